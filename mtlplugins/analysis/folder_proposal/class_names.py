"""Lists of classes that lie in a folder: names, and colours where they have some."""

from __future__ import annotations

import re
from pathlib import Path

from mtlplugins.datasets.reading.files import read_lines

_FILES = re.compile(r"(class|label|categor|colou?r)\w*\.(txt|csv)", re.IGNORECASE)
_LONGEST = 1000  # lines
_IMAGE = re.compile(r"\.(jpe?g|png|npy|tiff?|bmp)\b", re.IGNORECASE)  # a table of images
Colour = tuple[int, int, int]


def find_class_names(folder: Path) -> tuple[Path, dict[str, Colour | None]] | None:
    """Find the file that names the classes, in the folder itself.

    A line has a name, or a name and three numbers up to 255, its colour.
    """
    for path in sorted(p for p in folder.iterdir() if p.is_file() and _FILES.match(p.name)):
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
