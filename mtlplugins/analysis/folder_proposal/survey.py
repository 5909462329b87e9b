"""Survey of a folder: which files belong together, by their names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mtlplugins.datasets.reading.listing import Listing

#: Words in paths that say what a file is, not which image it is of.
_WORDS = {
    "images": "image images img imgs rgb color colour photo photos picture pictures jpegimages "
    "frame frames input inputs left leftimg8bit data",
    "labels": "l label labels labelids labeltrainids mask masks seg segm segmentation "
    "segmentationclass semantic semantics gt gtfine groundtruth annot annots annotation "
    "annotations class target targets",
    "objects": "instance instances instanceids segmentationobject object objects polygons panoptic",
    "depth": "depth depths disparity disp zbuffer proj",
    "normals": "normal normals",
    "others": "sync raw of",
}
MEANING = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_SPLITS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
_MOST = 2_000_000  # files


@dataclass
class Role:
    """Files of one purpose, such as all depth maps.

    Attributes:
        words: Words of their paths that say which.
        suffix: End of their names, in lower case.
        files: Path below the folder by key, what the path of an image and its targets share.
        twice: Paths whose key another file has.
    """

    words: tuple[str, ...]
    suffix: str
    files: dict[tuple[str, ...], str] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)

    @property
    def meanings(self) -> set[str]:
        """What the words mean: images, labels, …"""
        return {MEANING[word] for word in self.words}

    @property
    def folder(self) -> str:
        """Folder that all files are in, below the surveyed one; empty for that one itself."""
        return common_folder(self.files.values())

    def sample(self, count: int) -> list[str]:
        """Choose some of the files, evenly."""
        paths = sorted(self.files.values())
        step = max(1, len(paths) // count)
        return paths[::step][:count]

    def __str__(self) -> str:
        return f"{self.folder or '.'}/*{self.suffix} ({len(self.files)} files)"


def survey(folder: Path) -> list[Role]:
    """Sort the files of a folder by their purpose, those of most files first.

    Raises:
        ValueError: There are more than two million files, or none.
    """
    roles: dict[tuple[tuple[str, ...], str], Role] = {}
    for count, path in enumerate(Listing(folder).all(), 1):
        if count > _MOST:
            raise ValueError(f"{folder} has more than {_MOST:,} files: give a folder of fewer")
        words, key = _read(path)
        suffix = PurePosixPath(path).suffix.lower()
        role = roles.setdefault((words, suffix), Role(words, suffix))
        if key in role.files:
            role.twice.append(path)
        else:
            role.files[key] = path
    if not roles:
        raise ValueError(f"{folder} has no files")
    return sorted(roles.values(), key=lambda role: -len(role.files))


def _read(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Divide a path into words that say what the file is, and those that say of which image."""
    words, key = [], []
    stem = path[: len(path) - len(PurePosixPath(path).suffix)]
    for written in re.split(r"[/_\-. ]+", stem):
        for word in _parts(written):
            if word.lower() in MEANING:
                words.append(word.lower())
            elif word:
                key.append(word)
    return tuple(words), tuple(key)


def _parts(word: str) -> Sequence[str]:
    """Divide ``trainannot`` and ``rgb00045``."""
    lower = word.lower()
    for pattern in (r"([a-z]+?)(\d+)", r"(train|test|val)([a-z]+)"):
        if (match := re.fullmatch(pattern, lower)) and set(match.groups()) & set(MEANING):
            return word[: match.end(1)], word[match.end(1) :]
    return (word,)


def split_of(path: str) -> str:
    """Return the split that a path names: train, val, test, or none."""
    for written in re.split(r"[/_\-. ]+", path):
        for word in _parts(written):
            if found := _SPLITS.get(re.sub(r"\d+$", "", word.lower())):
                return found
    return ""


def common_folder(paths: Iterable[str]) -> str:
    """Return the deepest folder of all paths; empty for none."""
    folders = {os.path.dirname(path) for path in paths}
    return os.path.commonpath(folders) if folders else ""
