"""Base of segmentation targets: one class per pixel, however the ground truth is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import PixelData

from .base import DenseTarget, counts_by_name
from .colours import distinct_colours
from .left_right import Pairs, exchanged


class ClassMap(DenseTarget):
    """One class per pixel, int32 (H, W).

    Args:
        classes: Names of the classes.
        palette: RGB colour of each class; None for distinct colours by index.
        ignore_index: Label of pixels without ground truth.
        left_right: Pairs of classes that change places in a mirrored image.
        first: Number of the first class in the files.

    Raises:
        ValueError: ``classes`` is not a list, ``ignore_index`` is one of them, the number of
            colours differs from that of the classes, or ``left_right`` are not pairs of classes.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        palette: Sequence[Sequence[int]] | None,
        ignore_index: int,
        left_right: Pairs,
        first: int = 0,
    ) -> None:
        kind = type(self).__name__
        if isinstance(classes, str):
            raise ValueError(f"{kind}: classes={classes!r}, give a list of names, [{classes!r}]")
        self.classes = tuple(classes)
        self.palette = [list(c) for c in palette] if palette else distinct_colours(len(classes))
        if len(self.palette) != len(self.classes):
            raise ValueError(
                f"{kind}: palette has {len(self.palette)} colours for {len(self.classes)} classes"
            )
        last = len(self.classes) - 1 + first
        if 0 <= ignore_index <= last:
            raise ValueError(
                f"{kind}: ignore_index={ignore_index} is one of the {len(self.classes)} classes, "
                f"which the files call {first} to {last}; give an ignore_index that is not, such "
                f"as {last + 1} or -1"
            )
        self.invalid = self.ignore_index = ignore_index
        self.left_right = left_right
        self._exchanged = exchanged(self.classes, left_right, kind)

    def meta(self) -> dict[str, Any]:
        """Describe the classes."""
        return dict(
            kind=self.kind,
            classes=self.classes,
            palette=self.palette,
            ignore_index=self.ignore_index,
        )

    @property
    def mirrors(self) -> bool:
        """Whether classes change places in a mirrored image."""
        return bool(self._exchanged)

    def mirror(self, value: np.ndarray) -> np.ndarray:
        """Let the classes of left and right change places."""
        mirrored = value.copy() if self._exchanged else value
        for old, new in self._exchanged.items():
            mirrored[value == old] = new
        return mirrored

    def describe(self, value: np.ndarray) -> dict[str, int]:
        """Count the pixels of each class."""
        labels = value[value != self.ignore_index]
        counts = np.bincount(labels, minlength=len(self.classes)).tolist()
        return counts_by_name(self.classes, counts)

    def pack(self, value: np.ndarray) -> PixelData:
        """Convert to an int64 map (1, H, W)."""
        return PixelData(data=torch.from_numpy(value.astype(np.int64))[None])
