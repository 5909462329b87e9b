"""Table of results, independent of the output format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mtlplugins.common.markdown import markdown_table, markdown_text

EMPTY = "–"


class Cell(NamedTuple):
    """Text of a cell, and whether it is the best of its column."""

    text: str
    best: bool = False


@dataclass
class Table:
    """Table with a title and a caption.

    Each of ``rows`` is as long as ``header``; its first cell is the name of the row.
    """

    title: str
    caption: str
    header: list[str]
    rows: list[list[Cell]]

    def markdown(self) -> str:
        """Format a Markdown section with the table; the best of a column is bold."""
        texts = [[cell.text for cell in row] for row in self.rows]
        best = [
            (r, c) for r, row in enumerate(self.rows) for c, cell in enumerate(row) if cell.best
        ]
        title, caption = map(markdown_text, (self.title, self.caption))
        return f"## {title}\n\n{markdown_table(self.header, texts, bold=best)}\n\n{caption}\n"
