"""Image-level labels: one class per image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.structures import LabelData
from mmseg.registry import DATASETS

from mtlplugins.datasets.reading.label_file import read_label_file
from mtlplugins.datasets.reading.label_names import labels_by_name
from mtlplugins.kinds import part_of_kind

from .base import Target, counts_by_name
from .left_right import Pairs, exchanged


@DATASETS.register_module()
@part_of_kind("classification", "target")
class ImageLabel(Target):
    """One class per image, from one file for all images, or by the folder of each.

    The file may name images with their suffix and with folders before them, where only one reading
    finds them (:func:`labels_by_name`).

    Args:
        file: Below the data set's root: JSON, ``{"classes": [...], "labels": {image name:
            class}}``; or a table (CSV or text) with an image and its class in each line
            (:func:`read_label_file`); or a folder with a subfolder for each class, by which the
            images' names begin.
        classes: Names of the classes; None for those in the file, sorted if it does not list them.
        left_right: Pairs of classes that change places in a mirrored image.

    Raises:
        ValueError: ``classes`` are not names, or one of them occurs twice.
    """

    dense = False

    def __init__(
        self, file: str = "", classes: Sequence[str] | None = None, *, left_right: Pairs = ()
    ) -> None:
        self.file = file
        self.left_right = left_right
        self.classes = (
            None if classes is None else check_class_names("ImageLabel: classes", classes)
        )

    def meta(self) -> dict[str, Any]:
        """Describe the classes."""
        return dict(kind=self.kind, classes=self.classes)

    def find(self, root: Path, names: Sequence[str]) -> dict[str, int]:
        """Read the class index of each image; empty if there is no file."""
        path = Path(root) / self.file
        if self.file and path.is_dir():
            return self._by_folder(path, names)
        return labels_by_name(self.read(path), names, path) if path.is_file() else {}

    def _by_folder(self, path: Path, names: Sequence[str]) -> dict[str, int]:
        """Look up the first folder of each name among the classes."""
        folders = sorted(f.name for f in path.iterdir() if f.is_dir() and f.name[0] != ".")
        self.classes = self.classes or tuple(folders)
        classes = {name: index for index, name in enumerate(self.classes)}
        first = {name: name.partition("/")[0] for name in names if "/" in name}
        return {name: classes[folder] for name, folder in first.items() if folder in classes}

    def where(self, root: Path, name: str) -> str:
        """Name the file, and whether it exists."""
        path = Path(root) / self.file
        if not path.exists():
            return f"{path}, which does not exist"
        if self.file and path.is_dir():
            classes = ", ".join(self.classes or ["none"])
            return f"{path}, whose folders are classes ({classes}) that images' names begin with"
        labels = self.read(path) if path.is_file() else {}
        if not labels:
            return f"{path}, whose labels are empty"
        return f"{path}, which names images such as {next(iter(labels))!r}, not {name!r}"

    def read(self, path: Path) -> dict[str, int]:
        """Read the class index of each image in the file.

        Raises:
            ValueError: The file has another structure, or a label is not one of the classes.
        """
        labels, named = read_label_file(path, self.classes)
        classes = check_class_names(f"{path}: classes", named)
        for name, label in labels.items():
            if label not in classes:
                raise ValueError(
                    f"{path}: {name!r} has class {label!r}, none of {', '.join(classes)}"
                    + _other_kind(label)
                )
        self.classes = classes
        return {name: classes.index(label) for name, label in labels.items()}

    @property
    def mirrors(self) -> bool:
        """Whether classes change places in a mirrored image."""
        return bool(self.left_right)

    def mirror(self, value: int) -> int:
        """Let the classes of left and right change places."""
        pairs = exchanged(self.classes or (), self.left_right, f"ImageLabel {self.file}")
        return pairs.get(value, value)

    def describe(self, value: int) -> dict[str, int]:
        """Count the image for its class."""
        classes = self.classes or ()
        return counts_by_name(classes, [int(index == value) for index in range(len(classes))])

    def pack(self, value: int) -> LabelData:
        """Convert to an int64 label (1,)."""
        return LabelData(label=torch.tensor([value]))


def check_class_names(where: str, classes: Any) -> tuple[str, ...]:
    """Check the names of classes, in which labels are looked up.

    Raises:
        ValueError: They are no list of names, or one occurs twice.
    """
    listed = isinstance(classes, (list, tuple))
    if not listed or not all(isinstance(name, str) for name in classes):
        raise ValueError(
            f'{where} are {classes!r}: expected a list of names in quotes, such as ["hall", "0"]'
        )
    twice = [name for name in classes if classes.count(name) > 1]
    if twice:
        count = classes.count(twice[0])
        raise ValueError(f"{where} list {twice[0]!r} {count} times: give each its own name")
    return tuple(classes)


def _other_kind(label: Any) -> str:
    """Name the target for a value that is no class."""
    if isinstance(label, list):
        return (
            "; for several labels per image take the target ImageLabels, MultiLabelHead and "
            "MultiTaskMultiLabelMetric (for numbers: ImageNumbers, RegressionHead, "
            "MultiTaskRegressionMetric)"
        )
    if isinstance(label, (int, float)):
        return (
            "; for a number per image take the target ImageNumbers, RegressionHead and "
            "MultiTaskRegressionMetric"
        )
    return ""
