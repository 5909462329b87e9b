"""Dense targets stored as one file per image."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from mtlplugins.datasets.reading.arrays import read_array
from mtlplugins.datasets.reading.entries import Entries
from mtlplugins.datasets.reading.files import CHANNELS, BrokenFile

from .base import DenseTarget


class FilePerImage(DenseTarget):
    """Map in one file per image: ``root/folder/name + suffix``.

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names, after the image's name; several as a tuple, of which each
            image may have one.

    Raises:
        ValueError: ``folder`` or ``suffix`` is no text.
    """

    def __init__(self, folder: str, suffix: str | Sequence[str]) -> None:
        if not all(isinstance(text, str) for text in (folder, *suffixes_of(suffix))):
            raise ValueError(
                f"{type(self).__name__}: folder={folder!r}, suffix={suffix!r}: give one folder, "
                "and one suffix or a tuple of them"
            )
        self.folder = folder
        self.suffix = suffix

    def files(self, root: Path) -> Entries:
        """Return the files that this target may have."""
        return Entries(Path(root), self.folder, suffixes_of(self.suffix))

    def find(self, root: Path, names: Sequence[str]) -> dict[str, str]:
        """Find the existing files, by image name.

        Raises:
            ValueError: An image has files of several suffixes.
        """
        files = self.files(root)
        found = {name: files.with_suffix(name) for name in names}
        return {
            name: str(files.folder / (name + entry.suffix))
            for name, entry in found.items()
            if entry
        }

    def where(self, root: Path, name: str) -> str:
        """Name the folder and the suffix, and the file of this image with another suffix."""
        files = self.files(root)
        if not files.folder.exists():
            return f"{files.folder}, which does not exist"
        where = f"{files.folder} with suffix {' or '.join(files.suffixes)}"
        if beside := files.beside(name):
            return f"{where} (there is {beside}: a split file may have the line '{name} {beside}')"
        return where + files.listing.hint(name)


class MapFile(FilePerImage):
    """Map in one file per image that holds an array.

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names; several as a tuple. ``.png`` and other lossless images,
            ``.npy``, ``.npz``, ``.h5``, ``.mat``, ``.exr`` and ``.pfm`` are read.
        array: Name of the array in files that hold several, see :func:`read_array`.
    """

    def __init__(
        self, folder: str = "", suffix: str | Sequence[str] = ".png", *, array: str = ""
    ) -> None:
        super().__init__(folder, suffix)
        self.array = array

    def load(self, source: str) -> np.ndarray:
        """Read and check a file.

        Raises:
            BrokenFile: The file cannot be read, or has wrong content.
        """
        raw = read_array(source, array=self.array, lossless=True)
        if raw.ndim == 3 and raw.shape[2] == 1:
            raw = raw[..., 0]
        elif raw.ndim == 3 and raw.shape[0] == 1 and raw.shape[2] > CHANNELS:
            raw = raw[0]
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


def suffixes_of(suffix: str | Sequence[str]) -> tuple[str, ...]:
    """Return one suffix or several as a tuple."""
    return tuple(suffix) if isinstance(suffix, (list, tuple)) else (cast(str, suffix),)
