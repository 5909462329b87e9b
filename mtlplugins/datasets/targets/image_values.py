"""Base class of image-level targets whose values are in one JSON file for all images."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mtlplugins.datasets.reading.label_names import labels_by_name

from .base import Target


class ImageValues(Target):
    """A value (K,) per image, from a JSON file ``{"labels": {image name: value}, …}``.

    The file may name images with their suffix and with folders before them, where only one reading
    finds them (:func:`labels_by_name`).

    Args:
        file: JSON below the data set's root.
    """

    dense = False
    #: Type of the values.
    dtype: ClassVar[type]
    #: What a file holds, for errors.
    expected: ClassVar[str]

    def __init__(self, file: str = "") -> None:
        self.file = file

    def find(self, root: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Read the value (K,) of each image from the file; empty if there is no file."""
        path = Path(root) / self.file
        values = self.read(path) if path.is_file() else {}
        listed = {name: value.tolist() for name, value in values.items()}
        found = labels_by_name(listed, names, path)
        return {name: np.array(value, self.dtype) for name, value in found.items()}

    def where(self, root: Path, name: str) -> str:
        """Name the file, and whether it exists."""
        path = Path(root) / self.file
        if not path.is_file():
            return f"{path}, which does not exist"
        first = next(iter(self.read(path)), None)
        return f"{path}, which names images such as {first!r}, not {name!r}"

    def read(self, path: Path) -> dict[str, np.ndarray]:
        """Read the value (K,) of each image in the file.

        Raises:
            ValueError: The file has another structure, or a value is wrong; names the image.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
            labels = dict(content["labels"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{path}: expected {self.expected} ({type(error).__name__}: {error})"
            ) from error
        return self.convert(labels, content, path)

    @abstractmethod
    def convert(
        self, labels: Mapping[str, Any], content: Mapping[str, Any], path: Path
    ) -> dict[str, np.ndarray]:
        """Check the values of a file and convert them.

        Args:
            labels: By image name, as in the file.
            content: The whole file.
            path: The file, for errors.

        Raises:
            ValueError: A value is wrong.
        """
