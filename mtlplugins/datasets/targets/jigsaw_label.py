"""Helper task: in which order are the four quarters of the image?"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.structures import LabelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .self_made import SelfMadeTarget

#: All orders of the quarters, which are numbered by rows; entry i is the quarter shown at place i.
ORDERS = tuple(permutations(range(4)))
_MIRRORED = (1, 0, 3, 2)  # the place at which a place is found in a mirrored image
_MARGIN = 1 / 8  # of a quarter's sides, cut off so that edges do not fit together


@DATASETS.register_module()
@part_of_kind("classification", "target")
class JigsawLabel(SelfMadeTarget):
    """Order of the image's shuffled quarters: 24 classes, named by the quarter at each place.

    After Noroozi and Favaro 2016, arXiv:1603.09246, with 2 x 2 tiles in one image and all orders. A
    random margin of each quarter is cut off and the rest resized, so that the quarters cannot be
    matched by their edges.
    """

    dense = False
    classes = tuple("".join(map(str, order)) for order in ORDERS)

    def meta(self) -> dict[str, Any]:
        return dict(kind=self.kind, classes=self.classes)

    def make(self, image: np.ndarray) -> tuple[np.ndarray, int]:
        """Shuffle the quarters.

        Raises:
            ValueError: The image has fewer than 2 x 2 pixels.
        """
        label = int(np.random.randint(len(ORDERS)))
        height, width = (n // 2 for n in image.shape[:2])
        if not height or not width:
            raise ValueError(f"JigsawLabel: an image of {image.shape[:2]} pixels has no quarters")
        shuffled = image.copy()  # an odd last row or column stays
        for place, quarter in enumerate(ORDERS[label]):
            top, left = quarter // 2 * height, quarter % 2 * width
            tile = _without_margin(image[top : top + height, left : left + width])
            row, column = place // 2 * height, place % 2 * width
            fitted = cv2.resize(tile, (width, height)).reshape(height, width, -1)
            shuffled[row : row + height, column : column + width] = fitted
        return shuffled, label

    def mirror(self, value: int) -> int:
        """Mirror places and quarters."""
        order = ORDERS[value]
        return ORDERS.index(tuple(_MIRRORED[order[_MIRRORED[place]]] for place in range(4)))

    def describe(self, value: int) -> dict[str, int]:
        """Count the image for its class."""
        return {name: int(index == value) for index, name in enumerate(self.classes)}

    def pack(self, value: int) -> LabelData:
        """Convert to an int64 label (1,)."""
        return LabelData(label=torch.tensor([value]))


def _without_margin(tile: np.ndarray) -> np.ndarray:
    """Cut a random part off opposite sides, together a margin each way."""
    for axis in (0, 1):
        margin = int(tile.shape[axis] * _MARGIN)
        before = int(np.random.randint(margin + 1))
        tile = tile.take(range(before, tile.shape[axis] - margin + before), axis)
    return tile
