"""Label maps painted from the shapes that annotation tools store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from mtlplugins.common.text import few
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.targets.class_map import ClassMap
from mtlplugins.datasets.targets.left_right import Pairs

from .one_file import OneFile
from .shapes import Drawing

if TYPE_CHECKING:
    from typing_extensions import Unpack

_MOST = 5_000_000_000  # pixels painted per image; seconds


class CategoryArguments(TypedDict, total=False):
    """Arguments of ``CategoryMap`` that subclasses pass on unchanged."""

    background: str | None
    values: Mapping[str, str | None] | None
    unlisted: str
    palette: Sequence[Sequence[int]] | None
    ignore_index: int
    left_right: Pairs


class CategoryMap(ClassMap):
    """Label map of files that name categories, with a background.

    Args:
        classes: Names of the classes.
        background: Class of pixels that nothing covers; None for no ground truth.
        values: Class of each category that is not the class of its own name; None for no ground
            truth: ``{"truck": "car", "unclear": None}``.
        unlisted: What to do with categories that are neither: ``"error"``, or ``"ignore"`` for no
            ground truth.
        palette: RGB colour of each class; None for distinct colours by index.
        ignore_index: Label of pixels without ground truth.
        left_right: Pairs of classes that change places in a mirrored image.

    Raises:
        ValueError: The classes are wrong, or ``background`` or ``values`` names none of them.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        background: str | None = "background",
        values: Mapping[str, str | None] | None = None,
        unlisted: str = "error",
        palette: Sequence[Sequence[int]] | None = None,
        ignore_index: int = 255,
        left_right: Pairs = (),
    ) -> None:
        super().__init__(classes, palette=palette, ignore_index=ignore_index, left_right=left_right)
        kind, names = type(self).__name__, f"the classes {few(list(self.classes))}"
        if background is not None and background not in self.classes:
            raise ValueError(
                f"{kind}: background={background!r}, the class of pixels that nothing covers, is "
                f"none of {names}; add it, or give background=None for no ground truth there"
            )
        values = dict(values or {})
        if wrong := [n for n, meant in values.items() if meant not in (None, *self.classes)]:
            raise ValueError(
                f"{kind}: values[{wrong[0]!r}]={values[wrong[0]]!r} is none of {names}; give one, "
                "or None for pixels without ground truth"
            )
        if unlisted not in ("error", "ignore"):
            raise ValueError(f"{kind}: unlisted={unlisted!r}, give 'error' or 'ignore'")
        self.background = background
        self.empty = ignore_index if background is None else self.classes.index(background)
        self.labels = {name: index for index, name in enumerate(self.classes)}
        for name, meant in values.items():
            self.labels[name] = ignore_index if meant is None else self.classes.index(meant)
        self._refuse = unlisted == "error"

    def label_of(self, category: str) -> int:
        """Return the label of a category.

        Raises:
            ValueError: It is unknown.
        """
        if category not in self.labels and self._refuse:
            raise ValueError(
                f"the category {category!r} is none of the classes {few(list(self.classes))}; add "
                f"it, say which it is with values={{{category!r}: …}}, None for no ground truth, "
                "or set unlisted='ignore'"
            )
        return self.labels.get(category, self.ignore_index)


class ShapeLabelMap(CategoryMap):
    """Label map painted from shapes."""

    def painted(self, source: Drawing) -> np.ndarray:
        """Paint the shapes: int32 (H, W).

        Raises:
            BrokenFile: A shape is broken, or they are too many.
        """
        labels = np.full(source.size, self.empty, np.int32)
        if sum(part.cost for shape in source.shapes for part in shape.parts) > _MOST:
            raise BrokenFile(
                f"{source}: its {len(source.shapes)} shapes have more outlines and masks than "
                f"people draw (of {_MOST:,} pixels); take the image out",
                source.file,
            )
        shapes = source.shapes
        if source.largest_first:
            with broken(source.file, source.image):
                shapes = sorted(shapes, key=lambda shape: -shape.area)
        for shape in shapes:
            with broken(source.file, shape.where):
                for part in shape.parts:
                    part.paint(labels, shape.label)
        return labels


class OneFileLabelMap(OneFile[Drawing], ShapeLabelMap):
    """Label map of one annotation file for all images.

    Args:
        classes: Names of the classes.
        file: The annotation file, below the data set's root.
        **categories: As in :class:`CategoryMap`.
    """

    def __init__(
        self, classes: Sequence[str], file: str, **categories: Unpack[CategoryArguments]
    ) -> None:
        super().__init__(classes, **categories)
        self.file = file

    def load(self, source: Drawing) -> np.ndarray:
        """Paint the shapes of an image: int32 (H, W).

        Raises:
            BrokenFile: A shape is broken, or they are too many.
        """
        return self.painted(source)


@contextmanager
def broken(file: str | Path, where: str) -> Iterator[None]:
    """Name the file and the annotation in errors of their contents.

    Raises:
        BrokenFile: For each ``ValueError``.
    """
    try:
        yield
    except BrokenFile:
        raise
    except ValueError as error:
        raise BrokenFile(f"{file}: {where}: {error}", str(file)) from error
