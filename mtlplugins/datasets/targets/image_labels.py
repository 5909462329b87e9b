"""Several labels per image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.structures import LabelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .base import counts_by_name
from .image_label import check_class_names
from .image_values import ImageValues


@DATASETS.register_module()
@part_of_kind("multilabel", "target")
class ImageLabels(ImageValues):
    """Any number of classes per image, from a JSON file for all images.

    Args:
        file: JSON below the data set's root, ``{"classes": [...], "labels": {image name: [class,
            …]}}``; an empty list for an image with none of the classes.
        classes: Names of the classes; None for those in the file.

    Raises:
        ValueError: ``classes`` are not names, or one of them occurs twice.
    """

    dtype = bool
    expected = '{"classes": [...], "labels": {image name: [class, ...]}}'

    def __init__(self, file: str = "", classes: Sequence[str] | None = None) -> None:
        super().__init__(file)
        self.classes = (
            None if classes is None else check_class_names("ImageLabels: classes", classes)
        )

    def meta(self) -> dict[str, Any]:
        """Describe the classes."""
        return dict(kind=self.kind, classes=self.classes)

    def convert(
        self, labels: Mapping[str, Any], content: Mapping[str, Any], path: Path
    ) -> dict[str, np.ndarray]:
        """Convert the names of an image's classes to bool (K,).

        Raises:
            ValueError: An image has no list of classes, or one that is unknown.
        """
        classes = check_class_names(f"{path}: classes", self.classes or content.get("classes"))
        self.classes = classes
        for name, given in labels.items():
            if not isinstance(given, list):
                raise ValueError(
                    f"{path}: {name!r} has {given!r}: expected a list of classes, {self.expected}; "
                    "one class per image is a target of type ImageLabel"
                )
            if unknown := [label for label in given if label not in classes]:
                raise ValueError(
                    f"{path}: {name!r} has class {unknown[0]!r}, none of {', '.join(classes)}"
                )
        return {
            name: np.array([label in given for label in classes]) for name, given in labels.items()
        }

    def describe(self, value: np.ndarray) -> dict[str, int]:
        """Count the image for each of its classes."""
        return counts_by_name(self.classes or (), value.astype(int).tolist())

    def pack(self, value: np.ndarray) -> LabelData:
        """Convert to int64 labels (K,) of 0 and 1."""
        return LabelData(label=torch.from_numpy(value).long())
