"""Annotation files that hold the targets of all images."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

from mtlplugins.datasets.reading.label_names import labels_by_name

S = TypeVar("S")


class OneFile(Generic[S]):
    """Finds the sources of a target in one file for all images; stands before the target's class.

    The file may name images with their suffix and with folders before them, where only one reading
    finds them.

    Attributes:
        file: The annotation file, below the data set's root.
    """

    file: str

    @abstractmethod
    def read(self, path: Path) -> dict[str, S]:
        """Read the sources by image, named as in the file.

        Raises:
            BrokenFile: The file has another structure, or an unknown category.
        """

    def find(self, root: Path, names: Sequence[str]) -> dict[str, S]:
        """Read the file; empty if there is none."""
        path = Path(root) / self.file
        return labels_by_name(self.read(path), names, path) if path.is_file() else {}

    def where(self, root: Path, name: str) -> str:
        """Name the file, and an image of it."""
        path = Path(root) / self.file
        if not path.is_file():
            return f"{path}, which does not exist"
        named = next(iter(self.read(path)), None)
        return f"{path}, which names {f'images such as {named!r}' if named else 'no image'}"
