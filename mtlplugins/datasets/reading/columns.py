"""Files of targets that a split file lists beside the images."""

from __future__ import annotations

from collections.abc import Mapping

from mmengine.logging import print_log

from mtlplugins.common.notice import Notice

from .entries import Entries
from .split_file import ListedImage, SplitFile, may_be_file

#: Words of lists for a target that is not there.
_NOTHING = {"", "-", "none", "null", "nan", "n/a"}
_NAMED = "name the columns in the first line by the tasks, such as 'image depth'"


def sources_in_columns(split: SplitFile, files: Mapping[str, Entries]) -> dict[str, dict[str, str]]:
    """Find the targets that a split file lists beside the images.

    A word is a task's if the header names its column so, or if it is a file in the folder and with
    the suffix of this task. Numbers, such as focal lengths, and words without a suffix are of none.

    Args:
        split: The split file.
        files: The files of each task that has one per image.

    Returns:
        By task that any line has, the paths by image name.

    Raises:
        ValueError: A word may be of several tasks, or several words of one.
        FileNotFoundError: A word looks like a file and is of no task, or is of one and not there.
    """
    sources: dict[str, dict[str, str]] = {}
    read: dict[int, str] = {}
    for image in split.listed:
        name = image.image.name
        for column, word in enumerate(image.words):
            if word.lower() in _NOTHING:
                continue
            paths = _paths(split, image, column, files)
            for task, path in paths.items():
                if sources.setdefault(task, {}).setdefault(name, path) != path:
                    raise ValueError(
                        f"{_where(split, image)}: several words are files of {task!r}; {_NAMED}"
                    )
            if paths or column not in read:
                read[column] = " and ".join(paths) or f"not read, such as {word!r}"
    if read:
        words = ", ".join(read.get(k, "empty") for k in range(max(read) + 1))
        print_log(Notice(f"{split.path}: columns of the lines: image, {words}"), logger="current")
    return sources


def _paths(
    split: SplitFile, image: ListedImage, column: int, files: Mapping[str, Entries]
) -> dict[str, str]:
    """Return the path that a word means, by task."""
    word = image.words[column]
    if split.header:
        task = split.header[column]
        if task not in files:
            return {}
        files = {task: files[task]}
    elif not may_be_file(word):
        return {}
    found = {task: entry for task in files if (entry := files[task].find(word))}
    if not found:
        where = "; ".join(
            f"{task}: {entries.folder} with suffix {' or '.join(entries.suffixes)}"
            for task, entries in files.items()
        )
        raise FileNotFoundError(
            f"{_where(split, image)}: {word!r} is missing or no file of a target ({where}); "
            "correct the line or the target's folder and suffix, write None where there is no "
            "target, or take the column out"
        )
    paths = {
        task: str(files[task].folder / (name + suffix)) for task, (name, suffix) in found.items()
    }
    if len(set(paths.values())) > 1:
        raise ValueError(
            f"{_where(split, image)}: {word!r} may be of {' or '.join(map(repr, paths))}; {_NAMED}"
        )
    shortest = min(len(entry.name) for entry in found.values())  # of the longest folder and suffix
    return {task: path for task, path in paths.items() if len(found[task].name) == shortest}


def _where(split: SplitFile, image: ListedImage) -> str:
    return f"{split.path} lists {image.line!r}, read as an image and {len(image.words)} words"
