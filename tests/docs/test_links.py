"""Links between pages, to files and to headings lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import PAGES, ROOT, anchor, anchors, links, name_of


def broken(page: Path, text: str) -> list[str]:
    """Return the links of a page that lead nowhere."""
    found = []
    for link in links(text):
        path, _, place = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (place and place not in anchors(target.read_text())):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page, page.read_text()) == []


def test_there_are_links() -> None:
    assert sum(len(list(links(page.read_text()))) for page in PAGES) > 50


def test_every_page_is_reached_from_the_readme() -> None:
    reached, todo = set(), [page for page in PAGES if name_of(page) == "README.md"]
    while todo:
        page = todo.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            paths = (link.partition("#")[0] for link in links(page.read_text()))
            todo += [(page.parent / path).resolve() for path in paths if path]
    assert [name_of(page) for page in PAGES if page not in reached] == []


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    listed = re.findall(
        r"^ +- (?:[^:\n]+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE
    )
    assert sorted(listed) == sorted(name_of(page).removeprefix("docs/") for page in PAGES)


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# One thing: `a`, b\n")
    page = tmp_path / "page.md"
    text = (
        "[a](there.md) [b](there.md#one-thing-a-b) [c](there.md#two) ![d](gone.png)\n"
        "`[e](code.md)`\n"
        "```\n[f](block.md)\n```\n[g](https://example.org)\n"
    )
    assert broken(page, text) == ["there.md#two", "gone.png"]


def test_anchors_are_those_of_github() -> None:
    assert anchor("The thesis's `a_b`, from scratch: 2 / 3") == "the-thesiss-a_b-from-scratch-2--3"
