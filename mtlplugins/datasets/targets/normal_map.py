"""Maps of surface normals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .base import counts_by_name
from .map_file import MapFile


@DATASETS.register_module()
@part_of_kind("normals", "target")
class NormalMap(MapFile):
    """Surface normals (H, W, 3) of unit length towards the camera, the zero vector where missing.

    Camera frame: x right, y down, z forward; a wall straight ahead has (0, 0, -1).

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names: ``.npy`` of floats, or 8-bit RGB of round(127 n) + 128.
    """

    invalid = 0.0

    def __init__(self, folder: str = "", suffix: str | Sequence[str] = ".npy") -> None:
        super().__init__(folder, suffix)

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check shape, type and length, and convert to float32 (H, W, 3)."""
        image = raw.dtype == np.uint8
        if raw.ndim != 3 or raw.shape[2] != 3 or not (image or raw.dtype.kind == "f"):
            raise ValueError(
                f"{path}: normals are floats or 8-bit RGB of shape (H, W, 3), this file has shape "
                f"{raw.shape} and type {raw.dtype}; write unit vectors as .npy"
            )
        normals = (raw.astype(np.float32) - 128) / 127 if image else raw.astype(np.float32)
        normals[~np.isfinite(normals).all(axis=-1)] = 0
        length = np.linalg.norm(normals, axis=-1)
        # not length > 0: squares of very small numbers are 0
        wrong = (normals != 0).any(axis=-1) & (np.abs(length - 1) > (0.02 if image else 0.01))
        if wrong.any():
            raise ValueError(
                f"{path}: normals must have length 1, or 0 where missing; there is one of length "
                f"{length[wrong][0]:.3f}"
            )
        # rounding changed the length too
        return normals / np.where(length > 0, length, 1)[..., None] if image else normals

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

    def pack(self, value: np.ndarray) -> PixelData:
        """Convert to a float32 map (3, H, W)."""
        return PixelData(data=torch.from_numpy(np.ascontiguousarray(value.transpose(2, 0, 1))))
