"""Dense targets stored as one file per image."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mtlplugins.datasets.reading.files import BrokenFile, read_array
from mtlplugins.datasets.reading.listing import Listing

from .base import DenseTarget


class MapFile(DenseTarget):
    """Map in one file per image: ``root/folder/name + suffix``.

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names, after the image's name.
    """

    def __init__(self, folder: str = "", suffix: str = ".png") -> None:
        self.folder = folder
        self.suffix = suffix

    def find(self, root: Path, names: Sequence[str]) -> dict[str, str]:
        """Find the existing files, by image name."""
        files = Listing(Path(root) / self.folder)
        return {
            name: str(files.folder / (name + self.suffix))
            for name in names
            if name + self.suffix in files
        }

    def where(self, root: Path, name: str) -> str:
        """Name the folder and the suffix, and the file of this image with another suffix."""
        folder = Path(root) / self.folder
        if not folder.exists():
            return f"{folder}, which does not exist"
        return f"{folder} with suffix {self.suffix}{Listing(folder).hint(name)}"

    def load(self, source: str) -> np.ndarray:
        """Read and check a file.

        Raises:
            BrokenFile: The file cannot be read, or has wrong content.
        """
        raw = read_array(source, lossless=True)
        try:
            return self.convert(raw, source)
        except ValueError as error:
            raise BrokenFile(str(error), source) from error

    @abstractmethod
    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check the content of a file and convert it to the package's units.

        Args:
            raw: The array (H, W) or (H, W, C) as stored.
            path: The file, for errors.

        Raises:
            ValueError: The array is not such a target; the message names the file.
        """
