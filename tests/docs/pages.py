"""Read the documentation: pages, their links and anchors, and their code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("configs/**/*.md")],
)
_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        page: Path of the page from the root.
        line: Line of its fence.
        language: Such as ``python``, ``bash`` or nothing.
        text: What it holds.
    """

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def name_of(page: Path) -> str:
    """Return the path of a page from the root."""
    return page.relative_to(ROOT).as_posix()


def blocks(*languages: str) -> list[Block]:
    """List the code blocks of all pages in these languages."""
    return [
        block for page in PAGES for block in blocks_of(name_of(page), page.read_text(), languages)
    ]


def blocks_of(name: str, text: str, languages: tuple[str, ...]) -> list[Block]:
    """List the code blocks of a page in these languages."""
    return [
        Block(name, text.count("\n", 0, found.start()) + 1, found[2], found[3])
        for found in _FENCE.finditer(text)
        if found[2] in languages
    ]


def prose(text: str) -> str:
    """Return a page without its code."""
    return re.sub(r"`[^`\n]*`", "``", _FENCE.sub("", text))


def links(text: str) -> Iterator[str]:
    """Yield the targets of a page's links and images, without addresses of other sites."""
    for found in _LINK.finditer(prose(text)):
        if not re.match(r"[a-z]+:", found[1]):
            yield found[1]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the site make them."""
    return {anchor(heading) for heading in _HEADING.findall(_FENCE.sub("", text))}


def anchor(heading: str) -> str:
    """Return the anchor of a heading."""
    kept = re.sub(r"[^\w\s-]", "", heading.lower().strip())
    return re.sub(r"\s", "-", kept)


def tables(text: str) -> list[list[list[str]]]:
    """Return the rows of cells of each table of a page, with the header and without the rule."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if not line.startswith("|"):
            found.append([])
        elif not re.fullmatch(r"[|:\- ]+", line):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
    return [table for table in found if table]
