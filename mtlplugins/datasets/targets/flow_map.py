"""Optical flow and disparity: where a pixel is in another image."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmseg.registry import DATASETS

from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.kinds import part_of_kind

from .value_map import ValueMap

_HEAD = struct.Struct("<fii")  # of a .flo file: a number, width, height
_MAGIC = 202021.25
_UNKNOWN = 1e9  # larger flows mark unknown pixels in .flo files


@DATASETS.register_module()
@part_of_kind("values", "target")
class FlowMap(ValueMap):
    """Displacement (right, down) in pixels of the image, float32 (H, W, 2), NaN where missing.

    With ``channels=(0,)`` displacements to the right alone, as of stereo disparity with its sign:
    the right image of a pair has a pixel at ``column - disparity``, so ``factor=-1`` for disparity
    in pixels. Values change with the image: a mirrored one turns the sign of the first channel, a
    rotated one the directions, and files of another size than the image are scaled to it. A crop
    that is enlarged keeps them in pixels of the image file, unless ``zoom_depth`` of the crop is
    set, which multiplies them.

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names: ``.flo`` (Middlebury), an array or an image. KITTI's PNGs
            have ``channels=(0, 1), factor=1 / 64, offset=-512, valid_channel=2``.
        channels: Stored channels of the displacements to the right and down, or to the right.
        factor: Pixels per stored step, or one for each channel.
        offset: Added to them, in pixels; or one for each channel.
        missing: Value of missing pixels in the files, or several.
        valid_channel: Stored channel that is 0 where a pixel is missing; None if there is none.
        array: Name of the array in files that hold several.

    Raises:
        ValueError: There are more than two channels; or see :class:`ValueMap`.
    """

    def __init__(
        self,
        folder: str = "",
        suffix: str | Sequence[str] = ".flo",
        *,
        channels: Sequence[int] = (0, 1),
        factor: float | Sequence[float] = 1.0,
        offset: float | Sequence[float] = 0.0,
        missing: float | Sequence[float] = (),
        valid_channel: int | None = None,
        array: str = "",
    ) -> None:
        super().__init__(
            folder,
            suffix,
            channels=channels,
            factor=factor,
            offset=offset,
            missing=missing,
            valid_channel=valid_channel,
            names=("right", "down")[: len(channels)],
            unit="px",
            array=array,
        )

    def load(self, source: str) -> np.ndarray:
        """Read and check a file.

        Raises:
            BrokenFile: The file cannot be read, or has wrong content.
        """
        if Path(source).suffix.lower() != ".flo":
            return super().load(source)
        return self.convert(_read_flo(source), source)

    def mirror(self, value: np.ndarray) -> np.ndarray:
        """Negate the displacement to the right."""
        return value * np.array([-1, 1], value.dtype)[: len(self.channels)]

    def rotate(self, value: np.ndarray, degrees: float) -> np.ndarray:
        """Rotate the displacements with the image.

        Raises:
            ValueError: There are displacements to the right alone.
        """
        if len(self.channels) < 2:
            raise ValueError("a rotated image has disparities down too: leave the rotation out")
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        return value @ np.array([[c, s], [-s, c]], value.dtype)

    def zoom(self, value: np.ndarray, factor: float) -> np.ndarray:
        """Multiply by ``factor``: what appears larger moves by more pixels."""
        return value * np.float32(factor)

    def resize(self, value: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Resize to (height, width), and scale the displacements likewise."""
        scales = size[1] / value.shape[1], size[0] / value.shape[0]
        return super().resize(value, size) * np.array(scales, value.dtype)[: len(self.channels)]


def _read_flo(path: str) -> np.ndarray:
    """Read a Middlebury file: the magic number, width and height, and (right, down) by rows."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise BrokenFile(f"{path}: cannot be read ({error})", path) from error
    magic, width, height = _HEAD.unpack(content[: _HEAD.size].ljust(_HEAD.size, b"\0"))
    whole = len(content) == _HEAD.size + 8 * width * height
    if magic != _MAGIC or width < 1 or height < 1 or not whole:
        raise BrokenFile(
            f"{path}: no whole .flo file: it has {len(content)} bytes, and must have the number "
            f"{_MAGIC}, width and height (here {width} x {height}), and two numbers a pixel",
            path,
        )
    flow = np.frombuffer(content, "<f4", offset=_HEAD.size).reshape(height, width, 2)
    return np.where(np.abs(flow) > _UNKNOWN, np.nan, flow)
