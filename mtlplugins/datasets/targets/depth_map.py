"""Depth maps in metres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .map_file import MapFile

#: Bounds of the bins in a histogram of depth, in metres.
DEPTH_BOUNDS = (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 50, 100)
#: Range of plausible depths in metres, if no head defines one.
_PLAUSIBLE = (0.01, 1000)


@DATASETS.register_module()
@part_of_kind("depth", "target")
class DepthMap(MapFile):
    """Depth along the optical axis in metres, 0 where missing.

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names: a 16-bit image, or ``.npy``.
        unit: Metres per step of the files, 0.001 for millimetres.
        missing: Value of missing pixels in the files.

    Raises:
        ValueError: ``unit`` is not a positive number, or ``missing`` is not a number.
    """

    invalid = 0.0

    def __init__(
        self,
        folder: str = "",
        suffix: str | Sequence[str] = ".png",
        *,
        unit: float = 0.001,
        missing: float = 0,
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

    def meta(self) -> dict[str, Any]:
        """Describe the task; ``unit`` is that of the loaded and predicted depth."""
        return dict(kind=self.kind, unit="m")

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check the type, and convert (H, W) in steps of ``unit`` to float32 metres."""
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
        """Divide depth by ``factor``: objects that appear larger appear closer."""
        return value / np.float32(factor)

    def outside(self, value: np.ndarray, head: Mapping[str, Any]) -> int:
        """Count depths outside the head's range, or the plausible one if it has none."""
        low, high = _range(head)
        return int(((value > 0) & ((value < low) | (value > high))).sum())

    def where_outside(self, head: Mapping[str, Any]) -> str:
        """Name the range, the unit and the settings to check."""
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
        """Convert to a float32 map (1, H, W)."""
        return PixelData(data=torch.from_numpy(np.ascontiguousarray(value, np.float32))[None])


def _range(head: Mapping[str, Any]) -> tuple[float, float]:
    """Return the smallest and the largest depth in metres that a head predicts."""
    low, high = head.get("min_depth"), head.get("max_depth")
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        return low, high
    return _PLAUSIBLE
