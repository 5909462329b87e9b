"""JSON files of annotation tools, from strangers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mtlplugins.datasets.reading.files import BrokenFile, check_file


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        BrokenFile: The file is not complete JSON, or no object; the message says where.
    """
    try:
        check_file(str(path))
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise BrokenFile(
            f"{path} is no complete JSON ({error}); export it again", str(path)
        ) from error
    if not isinstance(content, dict):
        raise BrokenFile(f"{path}: expected an object {{…}}, got a {_kind(content)}", str(path))
    return content


def records(content: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of the list at ``key``.

    Raises:
        ValueError: There is no list of objects.
    """
    listed = field(content, key, list)
    for number, record in enumerate(listed):
        if not isinstance(record, dict):
            raise ValueError(f"{key}[{number}] is a {_kind(record)}, expected an object {{…}}")
        yield record


def field(record: dict[str, Any], key: str, kind: type | tuple[type, ...]) -> Any:
    """Return the value at ``key``.

    Raises:
        ValueError: It is missing or of another kind.
    """
    if key not in record:
        raise ValueError(f"it has no {key!r}, only {', '.join(map(repr, list(record)[:8]))}")
    if not isinstance(record[key], kind):
        raise ValueError(f"its {key!r} is a {_kind(record[key])}, {str(record[key])[:40]!r}")
    return record[key]


def _kind(value: Any) -> str:
    names = {dict: "object", list: "list", str: "text", type(None): "null"}
    return names.get(type(value), "number")
