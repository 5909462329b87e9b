"""Base classes of targets: finding, reading, counting, transforming and packing them.

A new kind of target is a subclass; data sets and transforms treat all kinds alike.
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
    """Ground truth of one task: its kind and its sources.

    A target finds its own sources: the files of a folder, the entries of one file for all images,
    or none, if a transform computes it from the image (the default :meth:`find`).

    Attributes:
        kind: Name of the kind; ``mtlplugins.kinds.part_of_kind(kind, "target")`` sets it.
        dense: Whether the target is a map of the image's size, to be cropped and flipped with it.
        alone: Whether a file that is a source holds the whole target, without others beside it.
    """

    kind: ClassVar[str]
    dense: ClassVar[bool]
    alone: bool = True

    def meta(self) -> dict[str, Any]:
        """Describe the task for metrics and panels."""
        return dict(kind=self.kind)

    def find(self, root: Path, names: Sequence[str]) -> Mapping[str, Any]:
        """Find the sources of this target.

        Args:
            root: Folder of the data set.
            names: Names of the images.

        Returns:
            By image name the source that :meth:`load` takes, such as a path, an index or the value
            itself. An image that is not included has no such target. None, the default for all
            images, marks a target without a source, which a transform of the pipeline computes.
        """
        return dict.fromkeys(names)

    def where(self, root: Path, name: str) -> str:
        """Describe where :meth:`find` looked, and what is there instead, for an error.

        Args:
            root: Folder of the data set.
            name: Name of an image without target.
        """
        return str(root)

    def load(self, source: Any) -> Any:
        """Read and check the target of an image; by default, the source is the value.

        Raises:
            BrokenFile: The source cannot be read, or has wrong content.
        """
        return source

    @abstractmethod
    def describe(self, value: Any) -> dict[str, int]:
        """Compute the histogram of the target of an image.

        Returns:
            The number of pixels (or 1, for an image-level target) in each class or range, always
            with the same keys in the same order. Pixels without ground truth are not counted.
        """

    def outside(self, value: Any, head: Mapping[str, Any]) -> int:
        """Count the pixels with ground truth that a head (its config) cannot predict."""
        return 0

    def where_outside(self, head: Mapping[str, Any]) -> str:
        """Describe the values that :meth:`outside` counts, and the settings to check."""
        return "outside of what the head predicts"

    def implausible(self, histogram: Mapping[str, int]) -> str | None:
        """Say why targets with this histogram are not what they should be; None if they may be."""
        return None

    def tally(self, value: Any, head: Mapping[str, Any] | None = None) -> Tally:
        """Count the contents of an image's target, and what a head cannot predict of them."""
        return Tally.of(self, value, head or {})

    @property
    def mirrors(self) -> bool:
        """Whether values are others in an image mirrored left to right, as directions are."""
        return type(self).mirror is not Target.mirror

    def mirror(self, value: Any) -> Any:
        """Adapt a value, or the values of a map (not their places), to a mirrored image."""
        return value

    @abstractmethod
    def pack(self, value: Any) -> PixelData | LabelData:
        """Convert a value to the field of the data sample."""


class DenseTarget(Target):
    """A map (H, W) or (H, W, C) of the image's size.

    Attributes:
        invalid: Value of pixels without ground truth; also used to pad the map.
    """

    dense = True
    invalid: float

    def rotate(self, value: np.ndarray, degrees: float) -> np.ndarray:
        """Adapt the values (not their positions) to an image rotated clockwise."""
        return value

    def resize(self, value: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Resize to (height, width) of the image, if the files have another size.

        By default each pixel takes the value of the nearest, aligned by centres: no kind of ours
        blends values, and normals stay of unit length.
        """
        rows, columns = (
            (2 * np.arange(new) + 1) * old // (2 * new)
            for new, old in zip(size, value.shape[:2], strict=True)
        )
        return value[rows[:, None], columns]

    def zoom(self, value: np.ndarray, factor: float) -> np.ndarray:
        """Adapt the values to an image enlarged by ``factor``, as if the camera came closer."""
        return value


def counts_by_name(names: Sequence[str], counts: Sequence[int]) -> dict[str, int]:
    """Add up counts by name; two classes may have the same name."""
    total = dict.fromkeys(names, 0)
    for name, count in zip(names, counts, strict=True):
        total[name] += count
    return total
