"""Kinds of targets: how each is read, checked, mirrored, zoomed, counted and packed.

A new kind of target is a class like these; data sets and transforms treat all kinds alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.structures import LabelData, PixelData
from mmseg.registry import DATASETS

from mtlplugins.datasets.colours import distinct_colours
from mtlplugins.datasets.reading.files import BrokenFile, read_array

#: Metres between which a histogram of depth counts.
DEPTH_BOUNDS = (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 50, 100)
#: Metres beyond which depth is no camera's, where no head says what is.
_PLAUSIBLE = (0.01, 1000)


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


@DATASETS.register_module()
class LabelMap(DenseTarget):
    """One class per pixel, from a one-channel image of class indices (palette images too).

    Args:
        classes: Names of the classes.
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names, behind the image's name.
        palette: RGB colour of each class; None for distinct colours by index.
        ignore_index: Label of pixels without truth.
        reduce_zero_label: Whether 0 in the files means "no truth" and class i is stored as i + 1.

    Raises:
        ValueError: ``classes`` is no list, ``ignore_index`` is one of them, or there are not as
            many colours as classes.
    """

    kind = "segmentation"

    def __init__(
        self,
        classes: Sequence[str],
        folder: str = "",
        suffix: str = ".png",
        *,
        palette: Sequence[Sequence[int]] | None = None,
        ignore_index: int = 255,
        reduce_zero_label: bool = False,
    ) -> None:
        super().__init__(folder, suffix)
        if isinstance(classes, str):
            raise ValueError(f"LabelMap: classes={classes!r}, give a list of names, [{classes!r}]")
        self.classes = tuple(classes)
        self.palette = [list(c) for c in palette] if palette else distinct_colours(len(classes))
        if len(self.palette) != len(self.classes):
            raise ValueError(
                f"LabelMap: palette has {len(self.palette)} colours for {len(self.classes)} classes"
            )
        last = len(self.classes) - 1 + reduce_zero_label  # in the files
        if 0 <= ignore_index <= last:
            raise ValueError(
                f"LabelMap: ignore_index={ignore_index} is one of the {len(self.classes)} classes, "
                f"which the files call {int(reduce_zero_label)} to {last}; give an ignore_index "
                f"that is not, such as {last + 1} or -1"
            )
        self.invalid = self.ignore_index = ignore_index
        self.reduce_zero_label = reduce_zero_label

    def meta(self) -> dict[str, Any]:
        """Describe the classes."""
        return dict(
            kind=self.kind,
            classes=self.classes,
            palette=self.palette,
            ignore_index=self.ignore_index,
        )

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check that the labels are classes: any integer (H, W) to int32 (H, W)."""
        if raw.ndim != 2 or raw.dtype.kind not in "iu":
            raise ValueError(
                f"{path}: a label map has one channel of whole numbers (class indices), this file "
                f"has shape {raw.shape} and type {raw.dtype}"
            )
        labels = raw.astype(np.int32)
        fits = labels == raw  # not so for what 32 bits cannot hold
        ignored = fits & (labels == self.ignore_index)
        if self.reduce_zero_label:
            ignored |= fits & (labels == 0)
            labels -= 1
        labels[ignored] = self.ignore_index
        wrong = ~fits | (~ignored & ((labels < 0) | (labels >= len(self.classes))))
        if wrong.any():
            raise ValueError(
                f"{path}: label {raw[wrong].max()} is none of the {len(self.classes)} classes "
                f"({self.classes[0]} … {self.classes[-1]}) and is not "
                f"ignore_index={self.ignore_index}; list all classes in the data set's config, or "
                "set ignore_index or reduce_zero_label"
            )
        return labels

    def describe(self, value: np.ndarray) -> dict[str, int]:
        """Count the pixels of each class."""
        labels = value[value != self.ignore_index]
        counts = np.bincount(labels, minlength=len(self.classes)).tolist()
        return named(self.classes, counts)

    def pack(self, value: np.ndarray) -> PixelData:
        """Make an int64 map (1, H, W)."""
        return PixelData(data=torch.from_numpy(value.astype(np.int64))[None])


@DATASETS.register_module()
class DepthMap(DenseTarget):
    """Depth along the optical axis in metres, 0 where missing.

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names: a 16-bit image, or ``.npy``.
        unit: Metres per step of the files, 0.001 for millimetres.
        missing: Value of missing pixels in the files.

    Raises:
        ValueError: ``unit`` is not a positive number, or ``missing`` is none.
    """

    kind = "depth"
    invalid = 0.0

    def __init__(
        self, folder: str = "", suffix: str = ".png", *, unit: float = 0.001, missing: float = 0
    ) -> None:
        super().__init__(folder, suffix)
        if not isinstance(unit, (int, float)) or not 0 < unit < inf:
            raise ValueError(
                f"DepthMap: unit={unit!r}, give the metres per step of the files, such as 0.001"
            )
        if not isinstance(missing, (int, float)):
            raise ValueError(
                f"DepthMap: missing={missing!r}, give the number that missing pixels have in the "
                "files, such as 0 or 65535; NaN and infinity are always missing"
            )
        self.unit = unit
        self.missing = missing

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check the type and scale: (H, W) in steps of ``unit`` to float32 metres."""
        if raw.ndim != 2 or raw.dtype.kind not in "iuf" or raw.dtype.itemsize == 1:
            raise ValueError(
                f"{path}: depth must have one channel of 16-bit whole numbers or of floats, this "
                f"file has shape {raw.shape} and type {raw.dtype}; 8 bits cannot hold depth, write "
                "it as 16-bit PNG (in millimetres) or as .npy of numbers"
            )
        depth = raw.astype(np.float32) * np.float32(self.unit)
        depth[(raw == self.missing) | ~np.isfinite(depth)] = 0
        if (lowest := depth.min(initial=0)) < 0:
            raise ValueError(
                f"{path}: depth of {lowest:.3f} m is negative; mark missing pixels by one value "
                "and give it as `missing`"
            )
        return depth

    def zoom(self, value: np.ndarray, factor: float) -> np.ndarray:
        """What is seen ``factor`` times larger looks ``factor`` times closer."""
        return value / np.float32(factor)

    def outside(self, value: np.ndarray, head: Mapping[str, Any]) -> int:
        """Count the depths beyond the head's, or beyond any camera's where it names none."""
        low, high = _range(head)
        return int(((value > 0) & ((value < low) | (value > high))).sum())

    def where_outside(self, head: Mapping[str, Any]) -> str:
        """Name the range and the unit."""
        low, high = _range(head)
        return (
            f"outside of {low:g} to {high:g} m with unit={self.unit:g}: correct the data set's "
            "unit, the metres per step of the files, or min_depth and max_depth of the head"
        )

    def describe(self, value: np.ndarray) -> dict[str, int]:
        """Count the pixels by their depth in metres."""
        counts, _ = np.histogram(value[value > 0], (0, *DEPTH_BOUNDS, np.inf))
        first, *others = DEPTH_BOUNDS
        names = [f"below {first:g} m"]
        names += [f"{low:g} to {high:g} m" for low, high in pairwise(DEPTH_BOUNDS)]
        return dict(zip([*names, f"from {others[-1]:g} m"], counts.tolist(), strict=True))

    def pack(self, value: np.ndarray) -> PixelData:
        """Make a float32 map (1, H, W)."""
        return PixelData(data=torch.from_numpy(np.ascontiguousarray(value, np.float32))[None])


def _range(head: Mapping[str, Any]) -> tuple[float, float]:
    """Give the smallest and the largest depth in metres that a head predicts."""
    low, high = (head.get(key) for key in ("min_depth", "max_depth"))
    given = isinstance(low, (int, float)) and isinstance(high, (int, float))
    return (low, high) if given else _PLAUSIBLE
