"""Split files in JSON: a list of images, with a key for each target's file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

_IMAGE = "image"


class JsonSplit(NamedTuple):
    """Content of a split file in JSON; ``header`` names the columns of ``rows`` after the first."""

    header: tuple[str, ...]
    rows: list[list[str]]


def read_json_split(path: Path) -> JsonSplit:
    """Read ``["a", "b"]``, or ``[{"image": "a.jpg", "depth": "depth/a.png"}, …]``.

    A target that is null or left out is missing.

    Raises:
        ValueError: The file has another structure.
    """
    try:
        listed = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no complete JSON ({error})") from error
    if not isinstance(listed, list):
        raise ValueError(
            f"{path}: expected a list of images, "
            f'["a", "b"] or [{{"{_IMAGE}": "a.jpg", "depth": "depth/a.png"}}, …]'
        )
    records = [dict(image=entry) if isinstance(entry, str) else entry for entry in listed]
    for number, record in enumerate(records):
        _check(path, number, record)
    tasks = tuple(dict.fromkeys(key for record in records for key in record if key != _IMAGE))
    return JsonSplit(tasks, [[r[_IMAGE], *(r.get(t) or "" for t in tasks)] for r in records])


def _check(path: Path, number: int, record: Any) -> None:
    named = isinstance(record, dict) and isinstance(record.get(_IMAGE), str)
    if not named or not all(isinstance(v, str) or v is None for v in record.values()):
        raise ValueError(
            f"{path}: entry {number}, {str(record)[:80]}, is no image: give its name, or its file "
            f"as {_IMAGE!r} and those of its targets by the tasks' names, null for a missing one"
        )
