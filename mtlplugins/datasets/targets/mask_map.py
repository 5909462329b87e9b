"""Binary masks: one thing and the rest, such as what is salient in an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .map_file import MapFile


@DATASETS.register_module()
@part_of_kind("mask", "target")
class MaskMap(MapFile):
    """Whether a pixel belongs to one thing: uint8 (H, W) of 0 and 1, 255 without ground truth.

    Files hold 0 and 1, or 0 and the largest number of their type (255 or 65535), or bits; or with
    ``threshold`` shares from 0 to 1 in this range, as saliency maps do.

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names, after the image's name.
        threshold: Share above which a pixel belongs to the thing, such as 0.5; None if files hold
            two values only.
        missing: Value of pixels without ground truth in the files, or several.
        names: Names of the rest and of the thing, for panels and data checks.
        array: Name of the array in files that hold several.

    Raises:
        ValueError: ``threshold`` is not between 0 and 1, ``missing`` are no numbers, or ``names``
            are not two.
    """

    invalid = 255
    default_names: ClassVar[tuple[str, str]] = ("rest", "mask")

    def __init__(
        self,
        folder: str = "",
        suffix: str | Sequence[str] = ".png",
        *,
        threshold: float | None = None,
        missing: float | Sequence[float] = (),
        names: Sequence[str] | None = None,
        array: str = "",
    ) -> None:
        super().__init__(folder, suffix, array=array)
        kind = type(self).__name__
        absent = missing if isinstance(missing, (list, tuple)) else [missing]
        if threshold is not None and not 0 < threshold < 1:
            raise ValueError(f"{kind}: threshold={threshold!r}, give a share between 0 and 1")
        if not all(isinstance(value, (int, float)) for value in absent):
            raise ValueError(f"{kind}: missing={missing!r}, give the value without ground truth")
        self.names = tuple(self.default_names if names is None else names)
        if len(self.names) != 2 or isinstance(names, str):
            raise ValueError(f"{kind}: names={names!r}, give those of the rest and of the mask")
        self.threshold = threshold
        self.missing = absent

    def meta(self) -> dict[str, Any]:
        """Describe the task; ``names`` are of the values 0 and 1."""
        return dict(kind=self.kind, names=self.names, ignore_index=self.invalid)

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check the values of a file (H, W), and convert them to 0, 1 and 255.

        Raises:
            ValueError: The file has several channels, or values that are neither of a mask nor
                ``missing``; names a pixel.
        """
        if raw.ndim == 3 and raw.shape[2] == 3 and (raw == raw[..., :1]).all():
            raw = raw[..., 0]  # grey, stored as RGB
        if raw.ndim != 2 or raw.dtype.kind not in "biuf":
            raise ValueError(
                f"{path}: a mask has one channel of numbers, this file has shape {raw.shape} and "
                f"type {raw.dtype}; take LabelMap with `palette` for masks in colours"
            )
        absent = np.isin(raw, self.missing)
        top = np.iinfo(raw.dtype).max if raw.dtype.kind in "iu" else 1
        if self.threshold is None:
            wrong = ~absent & ~np.isin(raw, (0, 1))
            if wrong.any():
                wrong = ~absent & ~np.isin(raw, (0, top))
        else:
            wrong = ~absent & ~((raw >= 0) & (raw <= top))  # NaN too
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                f"{path}: value {raw[row, column]} (row {row}, column {column}) is none of a mask, "
                f"which has 0 and 1, or 0 and {top}; give the target threshold=0.5 for soft maps "
                "from 0 to that, or missing=… for pixels without ground truth"
            )
        mask = raw > self.threshold * top if self.threshold is not None else raw != 0
        return np.where(absent, self.invalid, mask).astype(np.uint8)

    def describe(self, value: np.ndarray) -> dict[str, int]:
        """Count the pixels of the rest and of the mask."""
        return dict(zip(self.names, (int((value == v).sum()) for v in (0, 1)), strict=True))

    def pack(self, value: np.ndarray) -> PixelData:
        """Convert to a uint8 map (1, H, W)."""
        return PixelData(data=torch.from_numpy(np.ascontiguousarray(value))[None])
