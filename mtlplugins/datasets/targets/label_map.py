"""Label maps for semantic segmentation: one class per pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .base import counts_by_name
from .colours import distinct_colours
from .label_values import Class, LabelColours, LabelValues
from .left_right import Pairs, exchanged
from .map_file import MapFile


@DATASETS.register_module()
@part_of_kind("segmentation", "target")
class LabelMap(MapFile):
    """One class per pixel: class indices, other values by ``values``, or colours by ``palette``.

    Args:
        classes: Names of the classes.
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names, after the image's name.
        palette: RGB colour of each class; None for distinct colours by index. Files in colours are
            read by it, if it is given.
        ignore_index: Label of pixels without ground truth.
        reduce_zero_label: Whether the files use 0 for "no ground truth" and i + 1 for class i.
        left_right: Pairs of classes that change places in a mirrored image, such as
            ``[("left arm", "right arm")]``.
        values: Class, by name or index, of each value in the files, None for no ground truth:
            ``{0: "ground", 255: "building"}`` for a binary mask. None if files hold class indices.
        unlisted: What to do with other values than those of ``values``: ``"error"``, or
            ``"ignore"`` for no ground truth.
        ignore_colours: RGB colours without ground truth, of files in colours.
        array: Name of the array in files that hold several.

    Raises:
        ValueError: ``classes`` is not a list, ``ignore_index`` is one of them, the number of
            colours differs from that of the classes, ``left_right`` are not pairs of classes, or
            ``values`` names an unknown class.
    """

    def __init__(
        self,
        classes: Sequence[str],
        folder: str = "",
        suffix: str | Sequence[str] = ".png",
        *,
        palette: Sequence[Sequence[int]] | None = None,
        ignore_index: int = 255,
        reduce_zero_label: bool = False,
        left_right: Pairs = (),
        values: Mapping[int, Class] | None = None,
        unlisted: str = "error",
        ignore_colours: Sequence[Sequence[int]] = (),
        array: str = "",
    ) -> None:
        super().__init__(folder, suffix, array=array)
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
        self.left_right = left_right
        self._exchanged = exchanged(self.classes, left_right, "LabelMap")
        if values is not None and reduce_zero_label:
            raise ValueError("LabelMap: give values or reduce_zero_label, not both")
        if ignore_colours and not palette:
            raise ValueError("LabelMap: ignore_colours without palette, the colours of the classes")
        self.values = None
        if values is not None:
            self.values = LabelValues(values, self.classes, ignore_index, unlisted)
        self._reads_colours = bool(palette)
        self._ignore_colours = ignore_colours

    @cached_property
    def colours(self) -> LabelColours | None:
        """The table of colours, if a palette was given; built for the first file in colours."""
        if not self._reads_colours:
            return None
        return LabelColours(self.palette, self._ignore_colours, self.ignore_index)

    def meta(self) -> dict[str, Any]:
        """Describe the classes."""
        return dict(
            kind=self.kind,
            classes=self.classes,
            palette=self.palette,
            ignore_index=self.ignore_index,
        )

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Convert integers or bits (H, W), or colours (H, W, 3), to int32 classes (H, W)."""
        if raw.dtype.kind == "b":  # a 1-bit image
            raw = raw.astype(np.uint8)
        if raw.ndim == 3 and raw.shape[2] in (3, 4) and raw.dtype == np.uint8:
            if self.colours is None and (raw[..., :3] == raw[..., :1]).all():
                return self.convert(raw[..., 0], path)  # grey, stored as RGB
            if self.colours is None:
                raise ValueError(
                    f"{path} holds colours: give the target `palette`, the RGB colour of each of "
                    f"its classes; the first pixel is {raw[0, 0, :3].tolist()}"
                )
            return self.colours.convert(raw, path)
        if raw.ndim == 2 and raw.dtype.kind in "iu" and self.values is not None:
            return self.values.convert(raw, path)
        if raw.ndim != 2 or raw.dtype.kind not in "iu":
            raise ValueError(
                f"{path}: a label map has one channel of whole numbers (class indices), this file "
                f"has shape {raw.shape} and type {raw.dtype}"
            )
        labels = raw.astype(np.int32)
        fits = labels == raw  # False if 32 bits cannot hold the value
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
                "set ignore_index, reduce_zero_label or values"
            )
        return labels

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
