"""Targets whose files have another size than their image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mtlplugins.common.notice import Notice
from mtlplugins.datasets.reading.files import BrokenFile, open_image

from .base import DenseTarget, Target

_SHAPE = 0.01  # by which width / height may differ; ScanNet's differ by 0.004


def fitted(
    target: DenseTarget, value: np.ndarray, size: tuple[int, int], *, where: str, source: Any
) -> np.ndarray:
    """Resize a map to its image's (height, width) by the rule of its kind.

    Args:
        target: The kind of target.
        value: The map (H, W, ...).
        size: (height, width) of the image file.
        where: The image, for errors.
        source: Source of the map.

    Raises:
        BrokenFile: The map has another shape, by more than 1 % of width / height.
    """
    height, width = value.shape[:2]
    if (height, width) == size:
        return value
    across, down = width * size[0], height * size[1]
    if abs(across - down) > _SHAPE * max(across, down):
        raise BrokenFile(
            f"{source} is {width} x {height} pixels, its image {where} is {size[1]} x {size[0]}, "
            "of another shape: one of them is cropped, or they do not belong together; store both "
            "of the same part, and best at the same size",
            str(source),
        )
    return target.resize(value, size)


def say_resized(
    targets: Mapping[str, Target], images: Iterable[tuple[str, Mapping[str, Any]]]
) -> None:
    """Log which targets have another size than their image, by the first image of each task.

    Files that cannot be read are left to those who load them.

    Args:
        targets: The targets by task.
        images: Path of each image, and the sources of its targets by task.
    """
    unseen = {task for task, target in targets.items() if isinstance(target, DenseTarget)}
    for path, sources in images:
        for task in unseen & sources.keys():
            unseen.remove(task)
            try:
                with open_image(path) as image:
                    width, height = image.size
                found = targets[task].load(sources[task]).shape[:2]
            except Exception:  # decoders raise anything; sources may be None
                continue
            if found != (height, width):
                said = (
                    f"task {task!r}: targets such as {sources[task]} are {found[1]} x {found[0]} "
                    f"pixels, their images {width} x {height}: resized to these by the nearest "
                    "pixel, in scores too"
                )
                print_log(Notice(said), logger="current")
        if not unseen:
            return
