"""Check of single images and their targets, loaded as in training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from mtlplugins.datasets import MultiTaskDataset
from mtlplugins.datasets.transforms import LoadMultiTaskImage, LoadTargets
from mtlplugins.datasets.transforms.loading import TURNED

from .findings import Emptiest, Findings, Problem

#: The kind of problem of an image that cannot be loaded.
UNREADABLE = "image"


def check_images(
    dataset: MultiTaskDataset,
    indices: Iterable[int],
    *,
    split: str,
    source: int,
    heads: Mapping[str, Mapping[str, Any]],
) -> Findings:
    """Load images and their targets, each on its own, and look at what they hold.

    Args:
        dataset: Where they are from.
        indices: Which.
        split: Name of their split.
        source: Number of the data set in it.
        heads: The model's heads as the config gives them, by task; those that it has.
    """
    findings = Findings()
    for index in indices:
        findings.add(_check_image(dataset, index, split, source, heads))
    return findings


def load_image(dataset: MultiTaskDataset, index: int) -> dict:
    """Load an image without its targets; a data set that makes its items has made them too."""
    info = dataset.get_data_info(index)
    return info if "img" in info else LoadMultiTaskImage()(info)


def load_target(info: dict, task: str) -> np.ndarray | int:
    """Load one target of an image.

    Args:
        info: The image, as :class:`LoadTargets` takes it; or what a data set says of one that
            cannot be loaded, whose target then has no size to be compared with.
        task: One of its tasks.

    Returns:
        The target before it is packed: a map (H, W, ...) or a class.
    """
    key = f"gt_{task}"
    if key in info:
        return info[key]
    source, target = info["target_sources"][task], info["target_types"][task]
    if "img" not in info:
        return target.load(source)
    # what a turned image's targets hold can be told all the same
    alone = dict(target_sources={task: source}, seg_fields=[], turned=False)
    return LoadTargets()(info | alone)[key]


def _check_image(
    dataset: MultiTaskDataset,
    index: int,
    split: str,
    source: int,
    heads: Mapping[str, Mapping[str, Any]],
) -> Findings:
    findings = Findings()

    def report(kind: str, message: str, *, error: bool = True) -> None:
        findings.problems.append(Problem(kind, message, split, source, index, error))

    tasks = list(dataset.tasks_of(index))
    try:
        info = load_image(dataset, index)
        findings.digests[index] = blake2b(info["img"].tobytes(), digest_size=12).digest()
    except Exception as error:  # whatever training would meet
        report(UNREADABLE, str(error))
        info = None
    info = info or dataset.get_data_info(index)
    findings.files[index] = path = info["img_path"]
    if not tasks:
        report("no target", f"{path} has no target of any task", error=False)
    if info.get("turned") and any(dataset.target_types[task].dense for task in tasks):
        report("orientation", TURNED.format(path))
    for task in tasks:
        target = dataset.target_types[task]
        if info.get("target_sources", {}).get(task, path) is None:
            continue  # made by a transform, of what is checked already
        try:
            value = load_target(info, task)
        except Exception as error:
            report(f"target of {task}", str(error))
            continue
        findings.tallies[task] = tally = target.tally(value, heads.get(task, {}))
        missing = 1 - tally.valid / max(tally.elements, 1)
        if missing == 1:
            where = info.get("target_sources", {}).get(task, path)
            report(f"target of {task}", f"task {task!r}: all of {where} is missing or ignored")
        elif missing:
            findings.emptiest.append(Emptiest(missing, task, split, source, index))
    findings.emptiest = sorted(findings.emptiest, key=lambda e: -e.missing)[:1]
    return findings
