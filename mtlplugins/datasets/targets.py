"""Kinds of targets: how each is read, checked, mirrored, zoomed and packed.

A new kind of target is a class here; data sets and transforms treat all kinds alike.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.structures import LabelData, PixelData
from mmseg.registry import DATASETS

from .colours import distinct_colours
from .files import read_array


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
            ValueError: The file cannot be read, or does not hold what it should.
        """
        return self.convert(read_array(path), path)

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
        ValueError: ``ignore_index`` is a class, or there are not as many colours as classes.
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
        self.classes = tuple(classes)
        self.palette = [list(c) for c in palette] if palette else distinct_colours(len(classes))
        if len(self.palette) != len(self.classes):
            raise ValueError(
                f"LabelMap: palette has {len(self.palette)} colours for {len(self.classes)} classes"
            )
        if 0 <= ignore_index < len(self.classes):
            raise ValueError(
                f"LabelMap: ignore_index={ignore_index} is one of the {len(self.classes)} classes; "
                f"give an ignore_index that is not, such as {len(self.classes)} or -1"
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
        if raw.ndim != 2 or not np.issubdtype(raw.dtype, np.integer):
            raise ValueError(
                f"{path}: a label map has one channel of whole numbers (class indices), this file "
                f"has shape {raw.shape} and type {raw.dtype}"
            )
        labels = raw.astype(np.int32)
        ignored = labels == self.ignore_index
        if self.reduce_zero_label:
            ignored |= labels == 0
            labels -= 1
        labels[ignored] = self.ignore_index
        wrong = ~ignored & ((labels < 0) | (labels >= len(self.classes)))
        if wrong.any():
            raise ValueError(
                f"{path}: label {raw[wrong].max()} is none of the {len(self.classes)} classes "
                f"({self.classes[0]} … {self.classes[-1]}) and is not "
                f"ignore_index={self.ignore_index}; list all classes in the data set's config, or "
                "set ignore_index or reduce_zero_label"
            )
        return labels

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
    """

    kind = "depth"
    invalid = 0.0

    def __init__(
        self, folder: str = "", suffix: str = ".png", *, unit: float = 0.001, missing: float = 0
    ) -> None:
        super().__init__(folder, suffix)
        self.unit = unit
        self.missing = missing

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check the type and scale: (H, W) in steps of ``unit`` to float32 metres."""
        if raw.ndim != 2 or raw.dtype == np.uint8 or raw.dtype == bool:
            raise ValueError(
                f"{path}: depth must have one channel of 16-bit whole numbers or of floats, this "
                f"file has shape {raw.shape} and type {raw.dtype}; 8 bits cannot hold depth, write "
                "it as 16-bit PNG (in millimetres) or as .npy"
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

    def pack(self, value: np.ndarray) -> PixelData:
        """Make a float32 map (1, H, W)."""
        return PixelData(data=torch.from_numpy(np.ascontiguousarray(value, np.float32))[None])


@DATASETS.register_module()
class NormalMap(DenseTarget):
    """Surface normals (H, W, 3) of unit length towards the camera, the zero vector where missing.

    Camera frame: x right, y down, z forward; a wall straight ahead has (0, 0, -1).

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names: ``.npy`` of floats, or 8-bit RGB of round(127 n) + 128.
    """

    kind = "normals"
    invalid = 0.0

    def __init__(self, folder: str = "", suffix: str = ".npy") -> None:
        super().__init__(folder, suffix)

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check shape, type and length: float32 (H, W, 3)."""
        image = raw.dtype == np.uint8
        if raw.ndim != 3 or raw.shape[2] != 3 or not (image or raw.dtype.kind == "f"):
            raise ValueError(
                f"{path}: normals are floats or 8-bit RGB of shape (H, W, 3), this file has shape "
                f"{raw.shape} and type {raw.dtype}; write unit vectors as .npy"
            )
        normals = (raw.astype(np.float32) - 128) / 127 if image else raw.astype(np.float32)
        normals[~np.isfinite(normals).all(axis=-1)] = 0
        length = np.linalg.norm(normals, axis=-1)
        wrong = (length > 0) & (np.abs(length - 1) > (0.02 if image else 0.01))
        if wrong.any():
            raise ValueError(
                f"{path}: normals must have length 1, or 0 where missing; there is one of length "
                f"{length[wrong][0]:.3f}"
            )
        # rounding changed the length too
        return normals / np.where(length > 0, length, 1)[..., None] if image else normals

    def mirror(self, value: np.ndarray) -> np.ndarray:
        """A mirrored surface faces the other way along x."""
        return value * np.array([-1, 1, 1], value.dtype)

    def pack(self, value: np.ndarray) -> PixelData:
        """Make a float32 map (3, H, W)."""
        return PixelData(data=torch.from_numpy(np.ascontiguousarray(value.transpose(2, 0, 1))))


@DATASETS.register_module()
class ImageLabel(Target):
    """One class per image.

    Args:
        file: JSON below the data set's root, ``{"classes": [...], "labels": {image name: class}}``.
        classes: Names of the classes; None to take those of the file.
    """

    kind = "classification"
    dense = False

    def __init__(self, file: str = "", classes: Sequence[str] | None = None) -> None:
        self.file = file
        self.classes = None if classes is None else tuple(classes)

    def meta(self) -> dict[str, Any]:
        """Describe the classes."""
        return dict(kind=self.kind, classes=self.classes)

    def read(self, path: Path) -> dict[str, int]:
        """Read the class index of each image that the file names.

        Raises:
            ValueError: The file is not of that form, or a label is not one of the classes.
        """
        try:
            content = json.loads(path.read_text())
            labels = dict(content["labels"])
            classes = self.classes or tuple(map(str, content["classes"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path}: expected {{"classes": [...], "labels": {{image name: class}}}} '
                f"({type(error).__name__}: {error})"
            ) from error
        for name, label in labels.items():
            if label not in classes:
                raise ValueError(
                    f"{path}: {name!r} has class {label!r}, none of {', '.join(classes)}"
                )
        self.classes = classes
        return {name: classes.index(label) for name, label in labels.items()}

    def pack(self, value: int) -> LabelData:
        """Make an int64 label (1,)."""
        return LabelData(label=torch.tensor([value]))
