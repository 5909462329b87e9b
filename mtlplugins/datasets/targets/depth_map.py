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

from mtlplugins.datasets.reading.arrays import read_array
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.geometry import Intrinsics
from mtlplugins.kinds import part_of_kind

from .map_file import MapFile, suffixes_of

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
        unit: Metres per step of the files, 0.001 for millimetres; for other encodings the factor of
            the stored number.
        missing: Value of missing pixels in the files, or several; NaN and infinity always are.
        valid_suffix: End of the names of masks beside the files, in place of ``suffix``, that are 0
            where depth is missing; empty for none.
        rotated_bits: Bits by which 16-bit files are rotated to the left, 3 in SUN RGB-D: the stored
            number is ``(stored >> 3) | (stored << 13)``.
        encoding: What the number x = unit · stored is: ``"linear"``, depth in metres;
            ``"inverse"``, as depth = scale / x; or ``"log"``, as depth = scale · eˣ.
        scale: For ``"inverse"`` the depth of x = 1 in metres: baseline · focal length, in metres ·
            pixels, of a disparity in pixels; 1 for inverse depth. For ``"log"`` the depth of x = 0.
        along_ray: (fx, fy, cx, cy) of the camera, in pixels of the files, if they hold distances
            from the camera's centre, as Hypersim's do, in place of depth along the optical axis.
        array: Name of the array in files that hold several.

    Raises:
        ValueError: ``unit`` or ``scale`` is not a positive number, ``missing`` is not a number,
            ``rotated_bits`` are none of 0 to 15, or ``encoding`` is unknown.
    """

    invalid = 0.0

    def __init__(
        self,
        folder: str = "",
        suffix: str | Sequence[str] = ".png",
        *,
        unit: float = 0.001,
        missing: float | Sequence[float] = 0,
        valid_suffix: str = "",
        rotated_bits: int = 0,
        encoding: str = "linear",
        scale: float = 1.0,
        along_ray: Sequence[float] | None = None,
        array: str = "",
    ) -> None:
        super().__init__(folder, suffix, array=array)
        if not isinstance(unit, (int, float)) or not 0 < unit < inf:
            raise ValueError(
                f"DepthMap: unit={unit!r}, give the metres per step of the files, such as 0.001"
            )
        absent = missing if isinstance(missing, (list, tuple)) else [missing]
        if not all(isinstance(value, (int, float)) for value in absent):
            raise ValueError(
                f"DepthMap: missing={missing!r}, give the number that missing pixels have in the "
                "files, such as 0 or 65535, or a list of several; NaN and infinity are always "
                "missing"
            )
        if encoding not in ("linear", "inverse", "log"):
            raise ValueError(
                f"DepthMap: encoding={encoding!r}, give 'linear', 'inverse' (disparity too, with "
                "scale = baseline * focal length) or 'log'"
            )
        if not isinstance(scale, (int, float)) or not 0 < scale < inf:
            raise ValueError(f"DepthMap: scale={scale!r}, give a number above 0, in metres")
        if along_ray is not None and (len(along_ray) != 4 or min(along_ray[:2]) <= 0):
            raise ValueError(
                f"DepthMap: along_ray={along_ray!r}, give (fx, fy, cx, cy) of the camera in pixels"
            )
        if rotated_bits not in range(16):
            raise ValueError(f"DepthMap: rotated_bits={rotated_bits!r}, give 0 to 15")
        self.unit = unit
        self.valid_suffix = valid_suffix
        self.alone = not valid_suffix
        self.rotated_bits = rotated_bits
        self.missing = absent
        self.encoding = encoding
        self.scale = scale
        self.along_ray = None if along_ray is None else Intrinsics(*along_ray)

    def meta(self) -> dict[str, Any]:
        """Describe the task.

        ``unit`` is that of the loaded and predicted depth; ``file_unit``, in metres, that of the
        data set's images, in which predictions are written too.
        """
        meta = dict(kind=self.kind, unit="m")
        return meta if ".npy" in suffixes_of(self.suffix) else meta | dict(file_unit=self.unit)

    def load(self, source: str) -> np.ndarray:
        """Read and check a file, and the mask beside it.

        Raises:
            BrokenFile: One of them cannot be read, or has wrong content.
        """
        depth = super().load(source)
        if self.valid_suffix:
            end = next(end for end in suffixes_of(self.suffix) if source.endswith(end))
            mask = source.removesuffix(end) + self.valid_suffix
            valid = read_array(mask, lossless=True)
            if valid.size != depth.size or valid.shape[:2] != depth.shape:
                raise BrokenFile(
                    f"{mask} has shape {valid.shape}, the depth beside it {depth.shape}", mask
                )
            depth[valid.reshape(depth.shape) == 0] = 0
        return depth

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check the type, and convert (H, W) to float32 depth in metres."""
        if raw.ndim != 2 or raw.dtype.kind not in "iuf" or raw.dtype.itemsize == 1:
            raise ValueError(
                f"{path}: depth must have one channel of 16-bit whole numbers or of floats, this "
                f"file has shape {raw.shape} and type {raw.dtype}; 8 bits cannot hold depth, write "
                "it as 16-bit PNG (in millimetres) or as .npy of numbers"
            )
        if self.rotated_bits:
            if raw.dtype != np.uint16:
                raise ValueError(f"{path}: rotated_bits is for 16 bits, this file has {raw.dtype}")
            raw = (raw >> self.rotated_bits) | (raw << (16 - self.rotated_bits))
        depth = self._decode(raw)
        for value in self.missing:
            np.putmask(depth, raw == value, 0)
        if raw.dtype.kind == "f" or self.encoding != "linear":
            np.putmask(depth, ~np.isfinite(depth), 0)
        if (lowest := depth.min(initial=0)) < 0:
            raise ValueError(
                f"{path}: depth of {lowest:.3f} m is negative; mark missing pixels by one value "
                "and give it as `missing`"
            )
        return depth

    def _decode(self, raw: np.ndarray) -> np.ndarray:
        x = raw.astype(np.float32) * np.float32(self.unit)
        with np.errstate(divide="ignore", over="ignore"):  # infinite: missing
            if self.encoding == "inverse":
                x = np.float32(self.scale) / x
            elif self.encoding == "log":
                x = np.float32(self.scale) * np.exp(x)
        if self.along_ray is None:
            return x
        # the ray of a pixel is (u, v, 1) in units of depth; pixel centres are at half pixels
        fx, fy, cx, cy = self.along_ray
        u = (np.arange(raw.shape[1], dtype=np.float32) + 0.5 - cx) / fx
        v = (np.arange(raw.shape[0], dtype=np.float32) + 0.5 - cy) / fy
        return x / np.sqrt(1 + u**2 + v[:, None] ** 2)

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
