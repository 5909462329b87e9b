"""Label maps from one mask file for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from mmseg.registry import DATASETS

from mtlplugins.common.text import few
from mtlplugins.datasets.reading.arrays import read_array
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.reading.listing import Listing
from mtlplugins.kinds import part_of_kind

from .shape_label_map import CategoryMap

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .shape_label_map import CategoryArguments


@dataclass(frozen=True)
class Masks:
    """Mask files of an image."""

    paths: tuple[tuple[int, str], ...]  # label and file

    def __str__(self) -> str:
        return self.paths[0][1]


@DATASETS.register_module()
@part_of_kind("segmentation", "target")
class ClassMasksLabelMap(CategoryMap):
    """Label map from one mask file for each class that an image has.

    A mask has two values, of which 0 is outside. Later classes lie on earlier ones. An image
    without any file has no target.

    Args:
        classes: Names of the classes.
        files: Path of the files below the data set's root, with ``{class}`` and ``{name}``:
            ``"masks/{class}/{name}.png"`` or ``"masks/{name}_{class}.png"``.
        **categories: As in :class:`CategoryMap`.

    Raises:
        ValueError: ``files`` does not name both.
    """

    def __init__(
        self, classes: Sequence[str], files: str, **categories: Unpack[CategoryArguments]
    ) -> None:
        super().__init__(classes, **categories)
        if files.count("{class}") != 1 or files.count("{name}") != 1:
            raise ValueError(
                f"ClassMasksLabelMap: files={files!r}, give a path with {{class}} and {{name}}, "
                "such as 'masks/{class}/{name}.png'"
            )
        self.files = files

    def find(self, root: Path, names: Sequence[str]) -> dict[str, Masks]:
        """Find the existing files, by image name."""
        listing = Listing(Path(root))
        found = {}
        for name in names:
            files = [(label, self._file(c, name)) for c, label in self.labels.items()]
            there = [(label, str(Path(root, file))) for label, file in files if file in listing]
            if there:
                found[name] = Masks(tuple(there))
        return found

    def _file(self, category: str, name: str) -> str:
        before, after = self.files.replace("{class}", category).split("{name}")
        return before + name + after

    def where(self, root: Path, name: str) -> str:
        """Name the file of the first class."""
        return f"files such as {Path(root, self._file(self.classes[0], name))}"

    def load(self, source: Masks) -> np.ndarray:
        """Read and join the masks: int32 (H, W).

        Raises:
            BrokenFile: One cannot be read, is no mask, or has another size than the first.
        """
        labels = None
        for label, path in source.paths:
            mask = _read(path)
            if labels is None:
                labels = np.full(mask.shape, self.empty, np.int32)
            if mask.shape != labels.shape:
                raise BrokenFile(
                    f"{path} is {mask.shape[1]} x {mask.shape[0]} pixels, {source} is "
                    f"{labels.shape[1]} x {labels.shape[0]}; store all masks of an image at one "
                    "size",
                    path,
                )
            labels[mask] = label
        assert labels is not None  # `find` gives at least one file
        return labels


def _read(path: str) -> np.ndarray:
    raw = read_array(path, lossless=True)
    if raw.ndim == 3 and (raw[..., :3] == raw[..., :1]).all():
        raw = raw[..., 0]  # grey, stored as RGB
    inside = np.unique(raw[raw != 0])
    if raw.ndim != 2 or len(inside) > 1:
        raise BrokenFile(
            f"{path}: a mask is (H, W) with one value besides 0, this file has shape {raw.shape} "
            f"and the values {few([str(value) for value in inside], 5)}; a file with all classes "
            "is a LabelMap",
            path,
        )
    return raw != 0
