"""Markdown tables with escaped cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# an underscore inside a word has no meaning in Markdown
_SPECIAL = re.compile(r"[\\`*\[\]<>|]|(?<!\w)_|_(?!\w)")


def markdown_text(text: str) -> str:
    """Escape a text for Markdown, on one line."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def markdown_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    bold: Iterable[tuple[int, int]] = (),
    right: bool = False,
) -> str:
    """Format a table; cells are escaped by :func:`markdown_text`.

    Args:
        header: Names of the columns.
        rows: Cells, as many per row as ``header`` has.
        bold: (row, column) of the bold cells, from 0.
        right: Whether all columns except the first are right-aligned.

    Returns:
        The lines, without a newline at the end.
    """
    strong = set(bold)
    lines = [[markdown_text(name) for name in header]]
    lines.append(["---", *["---:" if right else "---"] * (len(header) - 1)])
    for number, row in enumerate(rows):
        texts = map(markdown_text, row)
        lines.append(
            [f"**{t}**" if (number, column) in strong else t for column, t in enumerate(texts)]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
