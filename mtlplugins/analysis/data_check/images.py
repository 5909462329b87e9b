"""Check of single images and their targets, loaded as in training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from mtlplugins.datasets import MultiTaskDataset
from mtlplugins.datasets.transforms import LoadImageChannels, LoadMultiTaskImage, LoadTargets
from mtlplugins.datasets.transforms.loading import TURNED

from .findings import Emptiest, Findings, Problem

#: ``Problem.kind`` of an image that cannot be loaded.
UNREADABLE = "image"


def check_images(
    dataset: MultiTaskDataset,
    indices: Iterable[int],
    *,
    split: str,
    source: int,
    heads: Mapping[str, Mapping[str, Any]],
) -> Findings:
    """Load images and each of their targets, and check the contents.

    Args:
        dataset: The data set.
        indices: Indices of the images.
        split: Name of the split.
        source: Index of the data set in that split.
        heads: Configs of the model's heads, by task.
    """
    findings = Findings()
    for index in indices:
        findings.add(_check_image(dataset, index, split, source, heads))
    return findings


def load_image(dataset: MultiTaskDataset, index: int) -> dict:
    """Load an image without its targets; a generated data set returns both."""
    info = dataset.get_data_info(index)
    if "img" in info:
        return info
    steps = dataset.pipeline.transforms
    own = [step for step in steps if isinstance(step, LoadImageChannels)]
    return (own[0] if own else LoadMultiTaskImage()).transform(info)


def load_target(info: dict, task: str) -> np.ndarray | int:
    """Load one target of an image.

    Args:
        info: The loaded image, as :class:`LoadTargets` takes it; or only the data set's info of an
            image that cannot be loaded, in which case the target's size is not checked.
        task: One of the image's tasks.

    Returns:
        The target before it is packed: a map (H, W, ...) or a class.
    """
    key = f"gt_{task}"
    if key in info:
        return info[key]
    source, target = info["target_sources"][task], info["target_types"][task]
    if "img" not in info:
        return target.load(source)
    # targets of a rotated image are checked as well
    alone = dict(target_sources={task: source}, seg_fields=[], turned=False)
    return LoadTargets().transform(info | alone)[key]


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
    except Exception as error:  # anything that training would raise
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
            continue  # made by a transform from data that are checked already
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
