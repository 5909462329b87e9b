"""Label maps for semantic segmentation: one class per pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property

import cv2
import numpy as np
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .class_map import ClassMap
from .label_values import Class, LabelColours, LabelValues
from .left_right import Pairs
from .map_file import MapFile

_REFUSED = np.iinfo(np.int32).min


@DATASETS.register_module()
@part_of_kind("segmentation", "target")
class LabelMap(ClassMap, MapFile):
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
        label_map: mmsegmentation's form of ``values``: the class index of some values in the files,
            ``ignore_index`` for no ground truth; those that it does not list stay as they are.
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
        label_map: Mapping[int, int] | None = None,
        unlisted: str = "error",
        ignore_colours: Sequence[Sequence[int]] = (),
        array: str = "",
    ) -> None:
        MapFile.__init__(self, folder, suffix, array=array)
        ClassMap.__init__(
            self,
            classes,
            palette=palette,
            ignore_index=ignore_index,
            left_right=left_right,
            first=int(reduce_zero_label),
        )
        self.reduce_zero_label = reduce_zero_label
        if sum((values is not None, label_map is not None, reduce_zero_label)) > 1:
            raise ValueError("LabelMap: give values, label_map or reduce_zero_label, only one")
        if ignore_colours and not palette:
            raise ValueError("LabelMap: ignore_colours without palette, the colours of the classes")
        if label_map is not None:
            changed = {value: value for value in (*range(len(classes)), ignore_index)}
            changed.update(label_map)
            values = {v: None if c == ignore_index else c for v, c in changed.items()}
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
        if raw.ndim == 2 and raw.dtype == np.uint8:
            labels = cv2.LUT(raw, self._of_bytes)
            if labels.min() != _REFUSED:
                return labels
        return self._of_numbers(raw, path)

    @cached_property
    def _of_bytes(self) -> np.ndarray:
        """Class of each value of 8 bits, int32 (256,)."""
        table = np.full(256, _REFUSED, np.int32)
        for value in range(256):
            with suppress(ValueError):
                table[value] = self._of_numbers(np.array([[value]], np.uint8), "")[0, 0]
        return table

    def _of_numbers(self, raw: np.ndarray, path: str) -> np.ndarray:
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
