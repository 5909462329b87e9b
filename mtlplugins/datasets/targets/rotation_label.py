"""Helper task: how far has the image been rotated?"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from mmengine.structures import LabelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .self_made import SelfMadeTarget


@DATASETS.register_module()
@part_of_kind("classification", "target")
class RotationLabel(SelfMadeTarget):
    """Rotation by 0, 90, 180 or 270 degrees, counter-clockwise: four classes.

    After Gidaris et al. 2018, arXiv:1803.07728. The largest square in the middle of the image is
    rotated and resized to the image's size, so that its proportions do not tell the rotation.
    """

    dense = False
    classes = ("0", "90", "180", "270")

    def meta(self) -> dict[str, Any]:
        return dict(kind=self.kind, classes=self.classes)

    def make(self, image: np.ndarray) -> tuple[np.ndarray, int]:
        label = int(np.random.randint(len(self.classes)))
        height, width = image.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = np.rot90(image[top : top + side, left : left + side], label)
        resized = cv2.resize(np.ascontiguousarray(square), (width, height))
        return resized.reshape(image.shape), label

    def mirror(self, value: int) -> int:
        """Turn the other way round: mirroring swaps 90 and 270 degrees."""
        return -value % len(self.classes)

    def describe(self, value: int) -> dict[str, int]:
        """Count the image for its class."""
        return {name: int(index == value) for index, name in enumerate(self.classes)}

    def pack(self, value: int) -> LabelData:
        """Convert to an int64 label (1,)."""
        return LabelData(label=torch.tensor([value]))
