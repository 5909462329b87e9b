"""Griffe extension: the reStructuredText of our docstrings becomes Markdown."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

_ROLE = re.compile(r":[a-z]+:`~?([^`]+)`")
_TABLE = re.compile(
    r"^([ ]*)(=+(?: +=+)+)\n(.*\n)[ ]*=+(?: +=+)+\n((?:.*\n)+?)[ ]*=+(?: +=+)+[ ]*$", re.MULTILINE
)


class Docstrings(Extension):
    """Converts roles, literal blocks and simple tables when a docstring is collected."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Convert the docstring of an object, if it has one."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """Convert the little reStructuredText that docstrings of this package have."""
    text = _ROLE.sub(r"`\1`", text)
    text = re.sub(r"::$", ":", text, flags=re.MULTILINE)
    return _TABLE.sub(_table, text)


def _table(found: re.Match[str]) -> str:
    indent, rule, header, body = found.groups()
    starts = [len(indent) + column.start() for column in re.finditer("=+", rule)]
    rows = [_cells(header, starts)]
    for line in body.splitlines():
        cells = _cells(line, starts)
        if cells[0]:
            rows.append(cells)
        else:  # goes on in the row above
            rows[-1] = [" ".join(pair).strip() for pair in zip(rows[-1], cells, strict=True)]
    rows.insert(1, ["---"] * len(starts))
    return "\n".join(f"{indent}| {' | '.join(row)} |" for row in rows)


def _cells(line: str, starts: list[int]) -> list[str]:
    ends = [*starts[1:], len(line)]
    cells = (line[start:end].strip() for start, end in zip(starts, ends, strict=True))
    return [cell.replace("|", "\\|").replace("*", "\\*") for cell in cells]
