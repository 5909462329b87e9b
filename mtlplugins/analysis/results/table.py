"""A table of results, independent of the format that it is written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mtlplugins.common.markdown import markdown_table, markdown_text

EMPTY = "–"


class Cell(NamedTuple):
    """A text, and whether it is the best of its column."""

    text: str
    best: bool = False


@dataclass
class Table:
    """A table with its title and what has to be said about it.

    ``rows`` are as long as ``header``; the first cell of each names it.
    """

    title: str
    caption: str
    header: list[str]
    rows: list[list[Cell]]

    def markdown(self) -> str:
        """Write a section with the table, the best of a column in bold."""
        texts = [[cell.text for cell in row] for row in self.rows]
        best = [
            (r, c) for r, row in enumerate(self.rows) for c, cell in enumerate(row) if cell.best
        ]
        title, caption = map(markdown_text, (self.title, self.caption))
        return f"## {title}\n\n{markdown_table(self.header, texts, bold=best)}\n\n{caption}\n"
