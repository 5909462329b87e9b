"""Files with a class of each image: JSON, and tables such as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .files import read_lines
from .split_file import SEPARATORS

#: What headers call the images and the classes.
_IMAGE = {"image", "img", "photo", "picture", "file", "filename", "name", "path", "filepath"}
_IMAGE |= {"imagename", "imagepath", "imgpath", "imagefile", "rgb"}
_CLASS = {"class", "classname", "classid", "label", "labels", "category", "target", "tag", "type"}
_CLASS |= {"scene", "room", "scenetype", "roomtype", "annotation"}


def read_label_file(path: Path, classes: Sequence[str] | None) -> tuple[dict[str, Any], Any]:
    """Read the labels of images, from a table where the name does not end in ``.json``.

    A line of a table has an image and its class, separated by a tab, comma, semicolon or blanks.
    The first line may be a header, if it has a word such as ``image`` or ``class``; with more than
    two columns, it has to. A line that begins with ``#`` is a comment.

    Args:
        path: The file.
        classes: Names of the classes; None for those in the file. Where all labels of a table are
            whole numbers, and none is a name, they are indices of these.

    Returns:
        The label of each image, and the classes: in a table without ``classes``, all labels that
        occur, in order.

    Raises:
        ValueError: The file has another structure.
    """
    if path.suffix.lower() == ".json":
        return _json(path, classes)
    labels = _table(path)
    numbers = all(label.isascii() and label.isdecimal() for label in labels.values())
    if classes is None:
        distinct = set(labels.values())
        return labels, sorted(distinct, key=int) if numbers else sorted(distinct)
    if numbers and not set(classes) & set(labels.values()):
        if wrong := [name for name, label in labels.items() if int(label) >= len(classes)]:
            raise ValueError(
                f"{path}: {wrong[0]!r} has class {labels[wrong[0]]}, but there are {len(classes)}, "
                "from 0 on"
            )
        labels = {name: classes[int(label)] for name, label in labels.items()}
    return labels, classes


def _json(path: Path, classes: Sequence[str] | None) -> tuple[dict[str, Any], Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        return dict(content["labels"]), classes or content["classes"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f'{path}: expected {{"classes": [...], "labels": {{image name: class}}}} '
            f"({type(error).__name__}: {error})"
        ) from error


def _table(path: Path) -> dict[str, str]:
    lines = [line for line in read_lines(path) if not line.startswith("#")]
    first = lines[0] if lines else ""
    separator = next((s for s in SEPARATORS if s in first), "")
    rows = list(csv.reader(lines, delimiter=separator)) if separator else map(str.split, lines)
    image, label, columns, labels = 0, 1, 2, dict[str, str]()
    for line, row in zip(lines, rows, strict=True):
        words = [word.strip() for word in row]
        if line is first and (found := _header(words)):
            image, label, columns = *found, len(words)
            continue
        if len(words) != columns or not (words[image] and words[label]):
            raise ValueError(
                f"{path}: the line {line!r} was read as {len(words)} words, {words}; expected an "
                "image and its class, separated by a comma, or a first line that names the "
                "columns, such as 'image,class'"
            )
        if labels.setdefault(words[image], words[label]) != words[label]:
            raise ValueError(
                f"{path}: {words[image]!r} has class {labels[words[image]]!r} and, in the line "
                f"{line!r}, {words[label]!r}"
            )
    return labels


def _header(words: Sequence[str]) -> tuple[int, int] | None:
    """Return the columns of the images and the classes, if the words are names of columns."""
    plain = ["".join(filter(str.isalnum, word.lower())) for word in words]
    images = [i for i, word in enumerate(plain) if word in _IMAGE]
    classes = [i for i, word in enumerate(plain) if word in _CLASS]
    if len(words) == 2 and (images or classes):
        return (images[0], 1 - images[0]) if images else (1 - classes[0], classes[0])
    return (images[0], classes[0]) if len(images) == 1 == len(classes) else None
