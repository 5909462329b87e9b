"""What a table is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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
