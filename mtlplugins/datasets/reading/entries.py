"""Files of a folder, found by the entries of a list."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .listing import Listing


class Entry(NamedTuple):
    """A file below a folder, of the name ``name + suffix``."""

    name: str
    suffix: str


class Entries:
    """Files of a folder, found by the entries of a list.

    An entry is the file's name, with or without its suffix, below the folder. Where there is no
    such file, it is a path below the data set's root, which may stand before it as in the config
    or as an absolute path, or be a single slash; backslashes may stand for slashes. Nothing
    outside of the root is looked for.

    Args:
        root: Folder of the data set.
        folder: Folder of the files, below the root.
        suffixes: Ends of their names.
    """

    def __init__(self, root: Path, folder: str, suffixes: Sequence[str]) -> None:
        self.listing = Listing(root / folder)
        self.suffixes = suffixes
        self._below = PurePosixPath(folder)
        self._roots = dict.fromkeys(
            PurePosixPath(path.as_posix()) for path in (root, root.absolute(), root.resolve())
        )

    @property
    def folder(self) -> Path:
        """The folder of the files."""
        return self.listing.folder

    def find(self, text: str) -> Entry | None:
        """Find the file that an entry names; None if there is none.

        Raises:
            ValueError: The entry has no suffix, and there are files of several.
        """
        return next(filter(None, map(self._file, self._meanings(text))), None)

    def _file(self, name: str) -> Entry | None:
        for suffix in self.suffixes:
            if name.endswith(suffix) and name in self.listing:
                return Entry(name.removesuffix(suffix), suffix)
        return self.with_suffix(name)

    def inside(self, text: str) -> list[Entry]:
        """List the files in a folder that an entry names and below it, sorted; empty if none."""
        for name in self._meanings(text):
            if name != "." and (self.folder / name).is_dir():
                files = [f"{name}/{file}" for file in Listing(self.folder / name).all()]
                return sorted(
                    Entry(file.removesuffix(end), end)
                    for file in files
                    for end in self.suffixes
                    if file.endswith(end)
                )
        return []

    def with_suffix(self, name: str) -> Entry | None:
        """Find the file of a name without suffix.

        Raises:
            ValueError: There are files of several suffixes.
        """
        there = [suffix for suffix in self.suffixes if name + suffix in self.listing]
        if len(there) > 1:
            raise ValueError(
                f"{self.folder} has both {' and '.join(name + suffix for suffix in there)}, which "
                f"have one name, {name!r}: rename one of them, or give a single suffix"
            )
        return Entry(name, there[0]) if there else None

    def beside(self, name: str) -> str:
        """Find a file like that of a name, in a folder beside its own.

        Returns:
            Its path below the root, such as ``scene/depth/0.png`` for ``scene/color/0``; or "".
        """
        place, _, file = name.rpartition("/")
        above = self.folder / place / ".."
        if not place or not above.is_dir():
            return ""
        files = [glob.escape(file + suffix) for suffix in self.suffixes]
        found = [path for like in files for path in sorted(above.glob(f"*/{like}"))]
        parent = self._below / PurePosixPath(place).parent
        return (parent / found[0].parent.name / found[0].name).as_posix() if found else ""

    def _meanings(self, text: str) -> Iterator[str]:
        """Yield what an entry may be below the folder, the documented meaning first."""
        for written in dict.fromkeys((text, text.replace("\\", "/"))):
            path = PurePosixPath(written)
            if ".." in path.parts:
                continue
            below_root = [written.lstrip("/")]
            below_root += [
                path.relative_to(r).as_posix() for r in self._roots if path.is_relative_to(r)
            ]
            for inside in map(PurePosixPath, below_root):
                yield inside.as_posix()
                if inside.is_relative_to(self._below):
                    yield inside.relative_to(self._below).as_posix()

    def leads_out(self, text: str) -> bool:
        """Return whether an entry goes up, or is an absolute path outside of the root."""
        path = PurePosixPath(text.replace("\\", "/"))
        inside = any(path.is_relative_to(root) for root in self._roots)
        return ".." in path.parts or (path.is_absolute() and not inside)
