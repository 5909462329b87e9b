"""Paths in the documentation are those of the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("configs/**/*.md")],
)
#: A path from the repository's root, in code quotes or a code block. `*` stands for anything.
PATH = re.compile(r"(?<![\w/.])((?:mtlplugins|tools|tests|configs|docs|requirements)/[\w./*-]+)")
#: Written by what the page tells the reader to do, or the reader's own.
MADE = {"configs/mine.py", "configs/cifar/CONFIG.py"}


def paths(text: str) -> set[str]:
    found = {path.rstrip(".").rstrip("/") for path in PATH.findall(text)}
    return {path for path in found if path not in MADE}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_exist(page: Path):
    missing = sorted(path for path in paths(page.read_text()) if not any(ROOT.glob(path)))
    assert missing == []


def test_a_wrong_path_is_seen():
    assert paths("see `tools/no_such.py`, mtlplugins/models/.") == {
        "tools/no_such.py",
        "mtlplugins/models",
    }
