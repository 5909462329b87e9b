"""Markdown tables, in which what people call their runs stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# an underscore within a word is one, to Markdown too
_SPECIAL = re.compile(r"[\\`*\[\]<>|]|(?<!\w)_|_(?!\w)")


def markdown_text(text: str) -> str:
    """Write a text so that Markdown shows it as it is, in one line."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def markdown_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    bold: Iterable[tuple[int, int]] = (),
    right: bool = False,
) -> str:
    """Write a table, each cell as :func:`markdown_text` does.

    Args:
        header: Names of the columns.
        rows: As long as ``header``.
        bold: Row and column, from 0, of cells in bold.
        right: Whether all columns but the first are aligned at the right.

    Returns:
        Lines, the last one without its end.
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
