"""Base classes of targets: how a target is found, read, counted, mirrored, zoomed and packed.

A new kind of target is a class like these; data sets and transforms treat all kinds alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmengine.structures import LabelData, PixelData

from .tally import Tally


class Target(ABC):
    """What one task has as ground truth, and where it comes from.

    A target finds its own sources: files of a folder, the entries of one file for all images, or
    none at all, where a transform makes it from the image (:meth:`find` as it stands here).

    Attributes:
        kind: Name of the kind; ``mtlplugins.kinds.part_of_kind(kind, "target")`` sets it.
        dense: Whether the target is a map of the image's size, which crops and flips go along with.
    """

    kind: ClassVar[str]
    dense: ClassVar[bool]

    def meta(self) -> dict[str, Any]:
        """Describe the task for metrics and panels."""
        return dict(kind=self.kind)

    def find(self, root: Path, names: Sequence[str]) -> Mapping[str, Any]:
        """Find the sources of this target.

        Args:
            root: Folder of the data set.
            names: Names of the images.

        Returns:
            By image name what :meth:`load` takes, such as a path, an index or the value itself. An
            image that is not there has no such target. None stands for a target without a source,
            which a transform of the pipeline makes for every image; so it is here for all.
        """
        return dict.fromkeys(names)

    def where(self, root: Path, name: str) -> str:
        """Say where :meth:`find` looked, and what is there instead, for an error.

        Args:
            root: Folder of the data set.
            name: An image that has no target.
        """
        return str(root)

    def load(self, source: Any) -> Any:
        """Read and check the target of an image; here, the source is the value itself.

        Raises:
            BrokenFile: It cannot be read, or does not hold what it should.
        """
        return source

    @abstractmethod
    def describe(self, value: Any) -> dict[str, int]:
        """Count what the target of an image holds, for histograms.

        Returns:
            The number of pixels (or 1, of an image-level target) in each class or range, always the
            same ones in the same order; what has no ground truth is in none.
        """

    def outside(self, value: Any, head: Mapping[str, Any]) -> int:
        """Count the pixels with ground truth that a head, as in the config, cannot predict."""
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
    """A map (H, W) or (H, W, C) of the image's size.

    Attributes:
        invalid: Value of pixels without ground truth, which pads the map.
    """

    dense = True
    invalid: float

    def mirror(self, value: np.ndarray) -> np.ndarray:
        """Change values, not places, when the image is mirrored left to right."""
        return value

    def rotate(self, value: np.ndarray, degrees: float) -> np.ndarray:
        """Change values, not places, when the image is turned clockwise about its centre."""
        return value

    def zoom(self, value: np.ndarray, factor: float) -> np.ndarray:
        """Change values when the image is enlarged by ``factor``, as if the camera came closer."""
        return value


def counts_by_name(names: Sequence[str], counts: Sequence[int]) -> dict[str, int]:
    """Add up counts by name; two classes may have one name."""
    total = dict.fromkeys(names, 0)
    for name, count in zip(names, counts, strict=True):
        total[name] += count
    return total
