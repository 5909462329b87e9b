"""Numbers of an image, such as an age or a position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.structures import LabelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .image_values import ImageValues

_BOUNDS = (-1000, -100, -10, -1, 0, 1, 10, 100, 1000)  # of the bins in a histogram


@DATASETS.register_module()
@part_of_kind("regression", "target")
class ImageNumbers(ImageValues):
    """One number per image, or a list of several, from a JSON file for all images.

    Flips and crops move no number: what a mirrored image changes, such as a steering angle, needs a
    pipeline without flips.

    Args:
        file: JSON below the data set's root, ``{"labels": {image name: number}}``, or lists of
            numbers, equally many for all images.
        names: Name of each number, for panels and files; None for ``0``, ``1``, …
        unit: Unit of the numbers, for panels.
    """

    dtype = np.float32
    expected = '{"labels": {image name: number, or list of numbers}}'

    def __init__(
        self, file: str = "", *, names: Sequence[str] | None = None, unit: str = ""
    ) -> None:
        super().__init__(file)
        self.names = None if names is None else tuple(names)
        self.unit = unit

    def meta(self) -> dict[str, Any]:
        """Describe the numbers."""
        return dict(kind=self.kind, names=self.names, unit=self.unit)

    def convert(
        self, labels: Mapping[str, Any], content: Mapping[str, Any], path: Path
    ) -> dict[str, np.ndarray]:
        """Convert the numbers of an image to float32 (K,).

        Raises:
            ValueError: An image has something else, or another number of them than the others.
        """
        found = {}
        for name, given in labels.items():
            numbers = given if isinstance(given, list) else [given]
            if not numbers or not all(_is_number(number) for number in numbers):
                raise ValueError(
                    f"{path}: {name!r} has {given!r}: expected {self.expected}, all finite; an "
                    "image without numbers is left out"
                )
            if self.names is None:
                self.names = tuple(map(str, range(len(numbers))))
            if len(numbers) != len(self.names):
                raise ValueError(
                    f"{path}: {name!r} has {len(numbers)} numbers, expected {len(self.names)} "
                    f"({', '.join(self.names)})"
                )
            found[name] = np.array(numbers, np.float32)
        return found

    def describe(self, value: np.ndarray) -> dict[str, int]:
        """Count the image by the mean of its numbers."""
        return counts_by_range(value.mean(keepdims=True))

    def pack(self, value: np.ndarray) -> LabelData:
        """Convert to float32 numbers (K,)."""
        return LabelData(numbers=torch.from_numpy(value.copy()))


def counts_by_range(numbers: np.ndarray) -> dict[str, int]:
    """Count numbers (N,) by powers of ten."""
    counts, _ = np.histogram(numbers, (-np.inf, *_BOUNDS, np.inf))
    names = [f"below {_BOUNDS[0]}"]
    names += [f"{low} to {high}" for low, high in pairwise(_BOUNDS)]
    return dict(zip([*names, f"from {_BOUNDS[-1]}"], counts.tolist(), strict=True))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
