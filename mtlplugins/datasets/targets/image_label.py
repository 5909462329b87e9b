"""Image-level labels: one class per image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.structures import LabelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .base import Target, counts_by_name


@DATASETS.register_module()
@part_of_kind("classification", "target")
class ImageLabel(Target):
    """One class per image, from a JSON file for all images.

    Args:
        file: JSON below the data set's root, ``{"classes": [...], "labels": {image name: class}}``.
        classes: Names of the classes; None for those in the file.

    Raises:
        ValueError: ``classes`` are not names, or one of them occurs twice.
    """

    dense = False

    def __init__(self, file: str = "", classes: Sequence[str] | None = None) -> None:
        self.file = file
        self.classes = None if classes is None else _named("ImageLabel: classes", classes)

    def meta(self) -> dict[str, Any]:
        """Describe the classes."""
        return dict(kind=self.kind, classes=self.classes)

    def find(self, root: Path, names: Sequence[str]) -> dict[str, int]:
        """Read the class index of each image from the file; empty if there is no file."""
        path = Path(root) / self.file
        labels = self.read(path) if path.is_file() else {}
        found = {name: labels[name] for name in names if name in labels}
        return found or _without_suffixes(labels, names)

    def where(self, root: Path, name: str) -> str:
        """Name the file, and whether it exists."""
        path = Path(root) / self.file
        if not path.exists():
            return f"{path}, which does not exist"
        labels = self.read(path)
        if not labels:
            return f"{path}, whose labels are empty"
        return f"{path}, which names images such as {next(iter(labels))!r}, not {name!r}"

    def read(self, path: Path) -> dict[str, int]:
        """Read the class index of each image in the file.

        Raises:
            ValueError: The file has another structure, or a label is not one of the classes.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
            labels = dict(content["labels"])
            named = self.classes or content["classes"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(
                f'{path}: expected {{"classes": [...], "labels": {{image name: class}}}} '
                f"({type(error).__name__}: {error})"
            ) from error
        classes = _named(f"{path}: classes", named)
        for name, label in labels.items():
            if label not in classes:
                raise ValueError(
                    f"{path}: {name!r} has class {label!r}, none of {', '.join(classes)}"
                )
        self.classes = classes
        return {name: classes.index(label) for name, label in labels.items()}

    def describe(self, value: int) -> dict[str, int]:
        """Count the image for its class."""
        classes = self.classes or ()
        return counts_by_name(classes, [int(index == value) for index in range(len(classes))])

    def pack(self, value: int) -> LabelData:
        """Convert to an int64 label (1,)."""
        return LabelData(label=torch.tensor([value]))


def _without_suffixes(labels: dict[str, int], names: Sequence[str]) -> dict[str, int]:
    """Match names by dropping the suffix of those in the file, which must be the same for all."""
    suffixes = {Path(name).suffix for name in labels}
    if len(suffixes) != 1:
        return {}
    bare = {name.removesuffix(*suffixes): label for name, label in labels.items()}
    return {name: bare[name] for name in names if name in bare}


def _named(where: str, classes: Any) -> tuple[str, ...]:
    """Check the names of classes, in which labels are looked up."""
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
