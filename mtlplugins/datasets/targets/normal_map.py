"""Maps of surface normals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .base import counts_by_name
from .map_file import MapFile

_TOLERANCE = 0.02  # of the length; rounding and cutting to 8 bits change it by up to 0.014

#: What an error says of the encodings; of 16 bits, 32767 stands for 127, and so on.
_ENCODINGS = (
    " by encoding={!r}; '127' is for round(127 n) + 128, '127.5' for 127.5 n + 127.5, rounded or "
    "cut off, with black, white or the middle grey where missing: set the other"
)


@DATASETS.register_module()
@part_of_kind("normals", "target")
class NormalMap(MapFile):
    """Surface normals (H, W, 3) of unit length towards the camera, the zero vector where missing.

    Camera frame: x right, y down, z forward; a wall straight ahead has (0, 0, -1).

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names: arrays of floats, (H, W, 3) or (3, H, W), or RGB images.
        encoding: Of images: ``"127"`` for round(127 n) + 128, ``"127.5"`` for 127.5 n + 127.5,
            rounded or cut off; of 16 bits, the same with 32767 and 32767.5. Pixels of one grey
            (black, white, or 127 or 128) are missing: they are no unit vectors.
        signs: Factors of x, y and z, each 1 or -1, from the files' axes to those above: (1, -1, -1)
            for x right, y up, z towards the camera.
        array: Name of the array in files that hold several.

    Raises:
        ValueError: ``encoding`` is unknown, or ``signs`` are not three of 1 and -1.
    """

    invalid = 0.0

    def __init__(
        self,
        folder: str = "",
        suffix: str | Sequence[str] = ".npy",
        *,
        encoding: str = "127",
        signs: Sequence[int] = (1, 1, 1),
        array: str = "",
    ) -> None:
        super().__init__(folder, suffix, array=array)
        if encoding not in ("127", "127.5"):
            raise ValueError(f"NormalMap: encoding={encoding!r}, give '127' or '127.5'")
        if len(signs) != 3 or not set(signs) <= {1, -1}:
            raise ValueError(f"NormalMap: signs={signs!r}, give three of 1 and -1")
        self.encoding = encoding
        self.signs = np.array(signs, np.float32)

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check shape, type and length, and convert to float32 (H, W, 3)."""
        if raw.ndim == 3 and raw.shape[0] == 3 and raw.shape[2] != 3:
            raw = raw.transpose(1, 2, 0)
        if raw.ndim == 3 and raw.shape[2] == 4 and raw.dtype.kind == "u":
            raw = raw[..., :3]  # without alpha
        image = raw.dtype in (np.uint8, np.uint16)
        if raw.ndim != 3 or raw.shape[2] != 3 or not (image or raw.dtype.kind == "f"):
            raise ValueError(
                f"{path}: normals are floats or RGB of 8 or 16 bits and of shape (H, W, 3), this "
                f"file has shape {raw.shape} and type {raw.dtype}; write unit vectors as .npy"
            )
        normals = self._decode(raw) if image else raw.astype(np.float32)
        normals[~np.isfinite(normals).all(axis=-1)] = 0
        length = np.linalg.norm(normals, axis=-1)
        # not length > 0: squares of very small numbers are 0
        wrong = (normals != 0).any(axis=-1) & (np.abs(length - 1) > _TOLERANCE)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                f"{path}: normals must have length 1, or 0 where missing; that of row {row}, "
                f"column {column}, stored as {raw[row, column].tolist()}, has "
                f"{length[row, column]:.3f}" + (_ENCODINGS.format(self.encoding) if image else "")
            )
        off = (length > 0) & (image | (np.abs(length - 1) > 1e-4))  # others stay bit by bit
        return normals * (self.signs / np.where(off, length, 1)[..., None])

    def _decode(self, raw: np.ndarray) -> np.ndarray:
        top = np.iinfo(raw.dtype).max  # 255 or 65535
        half = top / 2 if self.encoding == "127.5" else (top - 1) / 2
        normals = (raw.astype(np.float32) - np.float32(top - half)) / np.float32(half)
        grey = (raw == raw[..., :1]).all(axis=-1)
        missing = np.isin(raw[..., 0], (0, top // 2, top // 2 + 1, top))
        normals[grey & missing] = 0
        return normals

    def mirror(self, value: np.ndarray) -> np.ndarray:
        """Negate x: a mirrored surface faces the other way."""
        return value * np.array([-1, 1, 1], value.dtype)

    def rotate(self, value: np.ndarray, degrees: float) -> np.ndarray:
        """Rotate x and y with the image; z is the axis of rotation."""
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        return value @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], value.dtype)

    def describe(self, value: np.ndarray) -> dict[str, int]:
        """Count the pixels by the main direction of their normal."""
        normals = value[(value != 0).any(axis=-1)]
        axis = np.abs(normals).argmax(axis=-1)
        positive = np.take_along_axis(normals, axis[:, None], axis=-1)[:, 0] > 0
        counts = np.bincount(2 * axis + positive, minlength=6).tolist()
        return counts_by_name(("left", "right", "up", "down", "the camera", "away"), counts)

    def implausible(self, histogram: Mapping[str, int]) -> str | None:
        """Say that more normals point away from the camera than to it, which none can."""
        away, towards = histogram["away"], histogram["the camera"]
        if away <= towards:
            return None
        return (
            f"{away} of {sum(histogram.values())} normals point away from the camera and {towards} "
            "to it, which a camera cannot see: they are in other axes. Here x is right, y down, z "
            "forward, and a wall ahead has (0, 0, -1). Give NormalMap signs=(-1, -1, -1) if "
            "the files have normals that point into the surface, (1, -1, -1) if their y is up and "
            "their z points to the camera (OpenGL); else mirrored and rotated images are wrong"
        )

    def pack(self, value: np.ndarray) -> PixelData:
        """Convert to a float32 map (3, H, W)."""
        return PixelData(data=torch.from_numpy(np.ascontiguousarray(value.transpose(2, 0, 1))))
