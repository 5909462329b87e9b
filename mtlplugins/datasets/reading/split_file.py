"""Split files: which images, and which files of their targets beside them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .entries import Entries, Entry
from .files import read_lines
from .split_json import read_json_split

SEPARATORS = ("\t", ",", ";")


class ListedImage(NamedTuple):
    """Line of a split file: an image, and the words after it."""

    line: str
    image: Entry
    words: tuple[str, ...]


class SplitFile(NamedTuple):
    """Content of a split file; ``header`` names the columns after the images, if a line does."""

    path: Path
    listed: list[ListedImage]
    header: tuple[str, ...] = ()


#: Names of the columns; each line, and its image, None if there is none of its name.
_Found = tuple[tuple[str, ...], list[tuple[str, ListedImage | None]]]


def read_split(path: Path, images: Entries, *, root: Path, source: str) -> SplitFile:
    """Read a split file: an image per line, as :class:`Entries` finds it, and further columns.

    A line is a name, blanks included, if there is such an image; else its words are separated by
    tabs, commas, semicolons or blanks. Else it may be a folder, for all images in it. The first
    line may name the columns. A line that begins with ``#`` and names no image is a comment. JSON
    is read as :func:`read_json_split` says.

    Args:
        path: The split file.
        images: The images, all of which must exist.
        root: Folder of the data set, for errors.
        source: How to get the data, for the error if there is no split file.

    Raises:
        FileNotFoundError: The split file, or an image that it lists, is missing.
        ValueError: The file is not text, lists no image or one twice, or a line leads out of the
            data set's folder.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"no split file {path.absolute()}{_from_here(path, root)}: {source}"
        )
    header, found = (_json if path.suffix.lower() == ".json" else _text)(path, images)
    there = [image for _, image in found if image]
    if missing := [line for line, image in found if not image]:
        _refuse(path, missing, len(found), images, root)
    if not there:
        raise ValueError(f"{path} lists no image")
    twice, count = Counter(image.image.name for image in there).most_common(1)[0]
    if count > 1:
        raise ValueError(f"{path} lists {twice!r} {count} times")
    return SplitFile(path, there, header)


def _text(path: Path, images: Entries) -> _Found:
    found = [(line, _listed(line, images)) for line in read_lines(path)]
    found = [(line, image) for line, image in found if image or not line.startswith("#")]
    header: tuple[str, ...] = ()
    if found and found[0][1] is None:
        header = _header(found[0][0], [len(image.words) for _, image in found if image])
    rows: list[tuple[str, ListedImage | None]] = []
    for line, image in found[bool(header) :]:
        inside = [] if image else images.inside(line)
        rows += [(line, ListedImage(line, entry, ())) for entry in inside] or [(line, image)]
    return header, rows


def _json(path: Path, images: Entries) -> _Found:
    header, rows = read_json_split(path)
    found = [(first, images.find(first), tuple(words)) for first, *words in rows]
    return header, [
        (first, ListedImage(first, image, words) if image else None)
        for first, image, words in found
    ]


def _listed(line: str, images: Entries) -> ListedImage | None:
    for first, *words in _readings(line):
        if image := images.find(first):
            return ListedImage(line, image, tuple(words))
    return None


def _readings(line: str) -> Iterator[list[str]]:
    """Yield the words of a line: it is one word, or several with one of the separators."""
    yield [line]
    for separator in SEPARATORS:
        if separator in line or line.startswith('"'):
            words = next(csv.reader([line], delimiter=separator, skipinitialspace=True))
            yield [word.strip() for word in words]
    if len(line.split()) > 1:
        yield line.split()


def _header(line: str, widths: list[int]) -> tuple[str, ...]:
    """Return the names of the columns after the first, if a line names all of them."""
    for _, *names in _readings(line):
        plain = all(name and not may_be_file(name) for name in line.split())
        if names and plain and set(widths) == {len(names)}:
            return tuple(names)
    return ()


def may_be_file(word: str) -> bool:
    """Return whether a word looks like a file: it has a folder or a suffix, and is no number."""
    try:
        float(word)
    except ValueError:
        return "/" in word or "\\" in word or bool(Path(word).suffix)
    return False


def _refuse(path: Path, missing: list[str], count: int, images: Entries, root: Path) -> None:
    """Say which line names no image, and how it was read."""
    line = missing[0]
    *_, words = _readings(line)
    if word := next((word for word in (words[0], line) if images.leads_out(word)), ""):
        below = root / word.lstrip("/")
        inside = f", and {below} does not exist" if word.startswith("/") else ""
        raise ValueError(
            f"{path} lists {line!r}, which leads out of the data set's folder {root}{inside}: list "
            "names below it"
        )
    suffix = next((s for s in images.suffixes if words[0].endswith(s)), images.suffixes[0])
    name = words[0].removesuffix(suffix)
    hint = images.listing.hint(name)
    if other := images.listing.other_suffix(name, images.suffixes):
        hint += f"; to read both suffixes, give image.suffix={(*images.suffixes, other)}"
    if len(words) > 1:
        hint += (
            f"; the line {line!r} was read as one name, and as {len(words)} words: write one image "
            f"name per line, below {images.folder} or the data set's root, and the files of its "
            "targets behind it if they have other names"
        )
    raise FileNotFoundError(
        f"{len(missing)} of {count} images listed in {path} are missing, the first is "
        f"{images.folder / (name + suffix)}{hint}"
    )


def _from_here(path: Path, root: Path) -> str:
    """Name the file that was meant if its path includes the root, for an error."""
    twice = path.relative_to(root) if path.is_relative_to(root) else path
    if not (twice.is_file() and twice.is_relative_to(root)):
        return ""
    return f" (there is {twice}: give ann_file below data_root, '{twice.relative_to(root)}')"
