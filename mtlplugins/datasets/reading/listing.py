"""Directory listings, read once per folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path


class Listing:
    """Names of the files in a folder; lists each folder once, which is fast on network drives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, frozenset[str]] = {}

    def all(self) -> Iterator[str]:
        """Yield the files in the folder and its subfolders except hidden ones, following links."""
        seen = set()
        for place, folders, files in os.walk(self.folder, followlinks=True):
            status = os.stat(place)
            known = (status.st_dev, status.st_ino) in seen  # links may form a circle
            seen.add((status.st_dev, status.st_ino))
            shown = [] if known else [name for name in folders if not name.startswith(".")]
            # a folder before links to it: its images are named by the folder
            folders[:] = sorted(shown, key=lambda name: (os.path.islink(f"{place}/{name}"), name))
            for name in files:
                if not known and not name.startswith("."):
                    yield Path(place, name).relative_to(self.folder).as_posix()

    def hint(self, name: str) -> str:
        """Name a file with this name and another suffix, if there is one, for an error."""
        like = self._like(name)
        return f" (there is {like[0]})" if like else ""

    def other_suffix(self, name: str, suffixes: Sequence[str]) -> str:
        """Return the suffix of a file with this name that is none of ``suffixes``, or ""."""
        ends = (Path(file).suffix for file in self._like(name))
        return next((end for end in ends if end and end not in suffixes), "")

    def _like(self, name: str) -> list[str]:
        below, _, file = name.rpartition("/")
        same = (f for f in self._read(below) if f.startswith(file))
        return sorted(f for f in same if not f[len(file) : len(file) + 1].isalnum())

    def __contains__(self, name: str) -> bool:
        below, _, file = name.rpartition("/")
        return file in self._read(below)

    def _read(self, below: str) -> frozenset[str]:
        if below not in self._files:
            path = self.folder / below
            there = os.path.isdir(path)  # False too where no folder can have this name
            self._files[below] = frozenset(os.listdir(path) if there else ())
        return self._files[below]
