"""Data check of a config, in parallel processes."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mtlplugins.common.progress import Progress

from .findings import Findings, Problem
from .images import check_images
from .leaks import find_copies, find_shared_files
from .splits import Split, splits_of

_CHUNK = 16  # images per job; small, so that progress is steady and cores finish together
_WATCH_SECONDS = 0.5
_Part = tuple[int, int, range]  # index of the split, of the data set in it, and of images
_Heads = Mapping[str, Mapping[str, Any]]  # configs of the model's heads, by task

_splits: Sequence[Split] = ()  # inherited by forked workers, because sending copies it


@dataclass
class Check:
    """Result of a data check.

    Attributes:
        splits: The checked splits.
        findings: Findings, by split and data set.
        problems: All problems, errors first.
    """

    splits: list[Split]
    findings: list[list[Findings]]
    problems: list[Problem]

    @property
    def errors(self) -> int:
        """Number of problems that are errors, not warnings."""
        return sum(problem.error for problem in self.problems)


def check_config(cfg: Config, *, workers: int, progress: bool = True) -> Check:
    """Check every file of every split.

    Args:
        cfg: A config with data.
        workers: Number of worker processes; 0 to use this one.
        progress: Whether to report the progress on standard error.
    """
    with DefaultScope.overwrite_default_scope("mmseg"):
        splits, problems = splits_of(cfg)
    findings = [[Findings() for _ in split.sources] for split in splits]
    parts = [
        (number, source, range(start, min(start + _CHUNK, len(dataset))))
        for number, split in enumerate(splits)
        for source, dataset in enumerate(split.sources)
        for start in range(0, len(dataset), _CHUNK)
    ]
    heads = _heads(cfg)
    total = sum(len(images) for _, _, images in parts)
    bar = Progress(total, "images", sys.stderr if progress else None)
    for (number, source, images), found in zip(
        parts, _run(splits, parts, workers, heads), strict=True
    ):
        findings[number][source].add(found)
        bar.advance(len(images), note=partial(str, splits[number].name))
    bar.close()
    for of_split in findings:
        for found in of_split:
            problems += found.problems
    problems += _find_wrong_units(splits, findings, heads)
    problems += _find_doubtful_values(splits, findings)
    problems += find_shared_files(splits, findings)
    problems += find_copies(splits, findings)
    return Check(splits, findings, sorted(problems, key=lambda problem: not problem.error))


def _heads(cfg: Config) -> _Heads:
    heads = (cfg.get("model") or {}).get("heads") or {}
    return {task: head for task, head in heads.items() if isinstance(head, dict)}


def _find_wrong_units(
    splits: Sequence[Split], findings: Sequence[Sequence[Findings]], heads: _Heads
) -> list[Problem]:
    """Find tasks with ground truth outside the head's range, usually because of a wrong unit."""
    return [
        Problem(f"range of {task}", misfit, split.name, source)
        for split, of_split in zip(splits, findings, strict=True)
        for source, found in enumerate(of_split)
        for task, tally in found.tallies.items()
        if (
            misfit := tally.misfit(
                task, split.sources[source].target_types[task], heads.get(task, {})
            )
        )
    ]


def _find_doubtful_values(
    splits: Sequence[Split], findings: Sequence[Sequence[Findings]]
) -> Iterator[Problem]:
    """Find tasks with classes missing from the training data, or with a single value."""
    for split, of_split in zip(splits, findings, strict=True):
        # generated rooms have random classes
        if not split.trains or any(source.generated for source in split.sources):
            continue
        together = Findings()
        for found in of_split:
            together.add(Findings(tallies=found.tallies))
        for task, tally in together.tallies.items():
            target = next(s.target_types[task] for s in split.sources if task in s.target_types)
            for doubt in tally.doubts(task, target):
                yield Problem(f"values of {task}", doubt, split.name)


def _run(
    splits: Sequence[Split], parts: Sequence[_Part], workers: int, heads: _Heads
) -> Iterator[Findings]:
    if not workers:
        yield from map(partial(_check_part, splits, heads), parts)
        return
    global _splits
    _splits = splits
    context = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(os.getpid(),))
    try:
        yield from pool.map(partial(_check_inherited, heads), parts)
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a worker died: out of memory, or a file that crashes its decoder; --workers 0 shows "
            "which"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
        _splits = ()


def _start_worker(parent: int) -> None:
    cv2.setNumThreads(0)
    threading.Thread(target=_exit_with_parent, args=(parent,), daemon=True).start()


def _exit_with_parent(parent: int) -> None:
    """Exit this worker when its parent has died; a killed parent cannot tell its workers."""
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


def _check_inherited(heads: _Heads, part: _Part) -> Findings:
    return _check_part(_splits, heads, part)


def _check_part(splits: Sequence[Split], heads: _Heads, part: _Part) -> Findings:
    number, source, images = part
    split = splits[number]
    return check_images(split.sources[source], images, split=split.name, source=source, heads=heads)
