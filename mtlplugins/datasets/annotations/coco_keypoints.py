"""Heat maps of points from COCO's JSON of keypoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS

from mtlplugins.datasets.targets.base import DenseTarget
from mtlplugins.datasets.targets.left_right import Pairs, exchanged
from mtlplugins.kinds import part_of_kind

from .coco import known, read_images
from .json_file import field, read_json, records
from .one_file import OneFile
from .shape_label_map import broken

#: Size (height, width) of an image, and its points (objects, K, 3): column, row, visibility.
Source = tuple[tuple[int, int], np.ndarray]


@DATASETS.register_module()
@part_of_kind("keypoints", "target")
class CocoKeypointMap(OneFile[Source], DenseTarget):
    """Heat map of each kind of point, float32 (H, W, K): exp(-d² / 2 sigma²) of the nearest one.

    d is the distance in pixels of the image file. A kind of point is 0 everywhere where no object
    has it, and NaN (no ground truth) where one has it unlabelled (visibility 0). Images of the
    file without annotations have no points.

    Args:
        file: The JSON file, below the data set's root; one of its categories has ``keypoints``.
        sigma: Standard deviation in pixels of the image file.
        left_right: Pairs of points that change places in a mirrored image, such as
            ``[("left_eye", "right_eye")]``.

    Raises:
        ValueError: ``sigma`` is not positive.
    """

    invalid = float("nan")

    def __init__(self, file: str, *, sigma: float = 4.0, left_right: Pairs = ()) -> None:
        if not sigma > 0:
            raise ValueError(f"CocoKeypointMap: sigma={sigma!r}, give a number of pixels above 0")
        self.file = file
        self.sigma = sigma
        self.left_right = left_right
        self.names: tuple[str, ...] = ()

    def meta(self) -> dict[str, Any]:
        """Describe the task; ``names`` are those of the points."""
        return dict(kind=self.kind, names=self.names)

    def read(self, path: Path) -> dict[str, Source]:
        """Read the points by ``file_name``.

        Raises:
            BrokenFile: The file is no such JSON; names the annotation.
        """
        content = read_json(path)
        images = read_images(content, path)
        with broken(path, "the categories"):
            named = [c for c in records(content, "categories") if "keypoints" in c]
            if len(named) != 1:
                raise ValueError(f"{len(named)} of them have `keypoints`, expected one")
            self.names = tuple(map(str, field(named[0], "keypoints", list)))
            category = named[0].get("id")
            annotations = list(records(content, "annotations"))
        points: dict[Any, list[np.ndarray]] = {key: [] for key in images}
        for number, annotation in enumerate(annotations):
            with broken(path, f"annotation {annotation.get('id', f'number {number}')}"):
                if annotation.get("category_id") != category or "keypoints" not in annotation:
                    continue
                known(annotation, "image_id", images)
                points[annotation["image_id"]].append(self._points(annotation))
        exchanged(self.names, self.left_right, f"CocoKeypointMap {self.file}")
        empty = np.zeros((0, len(self.names), 3), np.float32)
        return {
            name: (size, np.stack(points[key]) if points[key] else empty)
            for key, (name, size) in images.items()
        }

    def _points(self, annotation: dict[str, Any]) -> np.ndarray:
        numbers = field(annotation, "keypoints", list)
        finite = all(isinstance(n, (int, float)) and abs(n) < 1e6 for n in numbers)
        if len(numbers) != 3 * len(self.names) or not finite:
            raise ValueError(
                f"its `keypoints` are {len(numbers)} values, expected three numbers (column, row, "
                f"visibility) for each of the {len(self.names)} points"
            )
        return np.array(numbers, np.float32).reshape(-1, 3)

    def load(self, source: Source) -> np.ndarray:
        """Draw the heat maps (H, W, K)."""
        (height, width), points = source
        heat = np.zeros((height, width, len(self.names)), np.float32)
        for one in points:
            for k, (column, row, visibility) in enumerate(one):
                if not visibility:
                    heat[..., k] = np.nan
                    continue
                across = np.exp(-((np.arange(width) - column) ** 2) / (2 * self.sigma**2))
                down = np.exp(-((np.arange(height) - row) ** 2) / (2 * self.sigma**2))
                heat[..., k] = np.maximum(heat[..., k], down[:, None] * across)  # NaN stays
        return heat

    @property
    def mirrors(self) -> bool:
        """Whether points change places in a mirrored image."""
        return bool(self.left_right)

    def mirror(self, value: np.ndarray) -> np.ndarray:
        """Let the points of left and right change places."""
        pairs = exchanged(self.names, self.left_right, f"CocoKeypointMap {self.file}")
        return value[..., [pairs.get(k, k) for k in range(value.shape[2])]]

    def describe(self, value: np.ndarray) -> dict[str, int]:
        """Count the pixels near each kind of point."""
        values = value.reshape(*value.shape[:2], -1)
        counts = [int((values[..., k] >= 0.5).sum()) for k in range(values.shape[2])]
        return dict(zip(self.names, counts, strict=True))

    def pack(self, value: np.ndarray) -> PixelData:
        """Convert to a float32 map (K, H, W)."""
        values = value.reshape(*value.shape[:2], -1)  # OpenCV drops the axis of one value
        return PixelData(data=torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1))))
