"""Lists of classes that lie in a folder: names, and colours where they have some."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtlplugins.datasets.reading.files import read_lines

_FILES = re.compile(r"(class|label|categor|colou?r)\w*\.(txt|csv|json)", re.IGNORECASE)
_LONGEST = 1000  # lines, or names
_MOST_BYTES = 2**20
_IMAGE = re.compile(r"\.(jpe?g|png|npy|tiff?|bmp)\b", re.IGNORECASE)  # a table of images
Colour = tuple[int, int, int]


def find_class_names(folder: Path) -> tuple[Path, dict[str, Colour | None]] | None:
    """Find the file that names the classes, in the folder itself.

    A line has a name, or a name and three numbers up to 255, its colour. JSON has a list of names,
    an object of names and colours (``{"wall": [120, 0, 0]}``) or of numbers and names (``{"0":
    "wall"}``), or a list of objects with ``name`` and, if there are some, ``color``; or one of
    these below ``classes``.
    """
    for path in sorted(p for p in folder.iterdir() if p.is_file() and _FILES.match(p.name)):
        if path.suffix.lower() == ".json":
            if found := _read_json(path):
                return path, found
            continue
        try:
            lines = read_lines(path)
        except (OSError, ValueError):
            continue
        lines = [line for line in lines if not line.startswith("#")][:_LONGEST]
        if any(_IMAGE.search(line) for line in lines):
            continue
        if found := _read(lines):
            return path, found
    return None


def _read(lines: list[str]) -> dict[str, Colour | None]:
    found: dict[str, Colour | None] = {}
    for line in lines:
        words = [word for word in re.split(r"[\s,;:]+", line) if word]
        numbers = [int(word) for word in words if word.isdecimal()]
        name = " ".join(word for word in words if not word.isdecimal())
        if len(numbers) >= 3 and max(numbers[-3:]) <= 255 and name:
            found[name] = (numbers[-3], numbers[-2], numbers[-1])
        elif not numbers and name:
            found[name] = None
    if any(found.values()):  # the line without numbers is a header
        return {name: colour for name, colour in found.items() if colour}
    return found


def _read_json(path: Path) -> dict[str, Colour | None]:
    """Read the names in a JSON file; empty if it has none."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return {}
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    for key in ("classes", "categories", "labels"):
        if isinstance(content, dict) and isinstance(content.get(key), (list, dict)):
            content = content[key]
    if isinstance(content, dict) and all(key.isdecimal() for key in content):
        content = [content[key] for key in sorted(content, key=int)]
    if isinstance(content, dict):
        entries = list(content.items())
    elif isinstance(content, list):
        entries = [_entry(item) for item in content]
    else:
        return {}
    if len(entries) > _LONGEST or not all(isinstance(name, str) and name for name, _ in entries):
        return {}
    return {name: _colour(colour) for name, colour in entries}


def _entry(item: Any) -> tuple[Any, Any]:
    if isinstance(item, Mapping):
        return item.get("name"), item.get("color", item.get("colour"))
    return item, None


def _colour(value: Any) -> Colour | None:
    if not isinstance(value, list) or len(value) != 3:
        return None
    if not all(type(number) is int and 0 <= number <= 255 for number in value):
        return None
    return value[0], value[1], value[2]
