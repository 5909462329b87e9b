"""Kinds of targets: how each is read, checked, mirrored, zoomed, counted and packed.

A new kind of target is a class like these; data sets and transforms treat all kinds alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from mmengine.structures import LabelData, PixelData

from mtlplugins.datasets.reading.files import BrokenFile, read_array

from .tally import Tally


def named(names: Sequence[str], counts: Sequence[int]) -> dict[str, int]:
    """Counts by name; two classes may have one name."""
    named = dict.fromkeys(names, 0)
    for name, count in zip(names, counts, strict=True):
        named[name] += count
    return named


class Target(ABC):
    """One kind of target.

    Attributes:
        kind: What visualizers and metrics call it.
        dense: Whether the target is a map of the image's size.
    """

    kind: ClassVar[str]
    dense: ClassVar[bool]

    def meta(self) -> dict[str, Any]:
        """Describe the task for metrics and pictures."""
        return dict(kind=self.kind)

    @abstractmethod
    def describe(self, value: Any) -> dict[str, int]:
        """Count what the target of an image holds, for histograms.

        Returns:
            The number of pixels (or 1, of an image-level target) in each class or range, always the
            same ones in the same order; what has no truth is in none.
        """

    def outside(self, value: Any, head: Mapping[str, Any]) -> int:
        """Count the pixels with a truth that a head, as the config gives it, cannot predict."""
        return 0

    def where_outside(self, head: Mapping[str, Any]) -> str:
        """Say where the values that :meth:`outside` counts lie, and what to look at."""
        return "outside of what the head predicts"

    def tally(self, value: Any, head: Mapping[str, Any] | None = None) -> Tally:
        """Count what the target of an image holds, and what a head cannot predict of it."""
        return Tally.of(self, value, head or {})

    @abstractmethod
    def pack(self, value: Any) -> PixelData | LabelData:
        """Make the field of the data sample."""


class DenseTarget(Target):
    """A map (H, W) or (H, W, C) of the image's size, in a file of its own per image.

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names, behind the image's name.

    Attributes:
        invalid: Value of pixels without truth, which pads the map.
    """

    dense = True
    invalid: float

    def __init__(self, folder: str = "", suffix: str = ".png") -> None:
        self.folder = folder
        self.suffix = suffix

    def load(self, path: str) -> np.ndarray:
        """Read and check a file.

        Raises:
            BrokenFile: The file cannot be read, or does not hold what it should.
        """
        raw = read_array(path)
        try:
            return self.convert(raw, path)
        except ValueError as error:
            raise BrokenFile(str(error), path) from error

    @abstractmethod
    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check what a file holds and bring it to the package's units."""

    def mirror(self, value: np.ndarray) -> np.ndarray:
        """Change values, not places, when the image is mirrored left to right."""
        return value

    def zoom(self, value: np.ndarray, factor: float) -> np.ndarray:
        """Change values when the image is enlarged by ``factor``, as if the camera came closer."""
        return value
