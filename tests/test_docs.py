"""Paths, commands, options and terms in the documentation are those of the repository."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtlplugins import cli
from tests.tools.command import run_tool

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("configs/**/*.md")],
)
#: A path from the repository's root, in code quotes or a code block. `*` stands for anything.
PATH = re.compile(r"(?<![\w/.])((?:mtlplugins|tools|tests|configs|docs|requirements)/[\w./*-]+)")
COMMAND = re.compile(rf"python (tools/[\w/]+\.py)|\bmtlplugins ({'|'.join(cli.COMMANDS)})\b")
#: Written by what the page tells the reader to do, or the reader's own.
MADE = {"configs/mine.py", "configs/cifar/CONFIG.py"}


def paths(text: str) -> set[str]:
    found = {path.rstrip(".").rstrip("/") for path in PATH.findall(text)}
    return {path for path in found if path not in MADE}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_exist(page: Path):
    missing = sorted(path for path in paths(page.read_text()) if not any(ROOT.glob(path)))
    assert missing == []


def commands(text: str) -> set[tuple[str, str]]:
    """Tool and option of each command, also of options in its comment."""
    lines = text.replace("\\\n", " ").splitlines()
    return {
        (command[1] or f"mtlplugins {command[2]}", option)
        for line in lines
        for command in re.finditer(COMMAND, line)
        for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", line[command.end() :])
    }


def help_of(tool: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> str:
    script, _, command = tool.partition(" ")
    if command:
        monkeypatch.setattr(sys, "argv", [script, command, "--help"])
        with pytest.raises(SystemExit, match=r"^0$"):
            cli.main()
    else:
        monkeypatch.syspath_prepend((ROOT / script).parent)
        run_tool(monkeypatch, script.removeprefix("tools/"), "--help")
    return capsys.readouterr().out


def test_options_exist(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    named = set().union(*(commands(page.read_text()) for page in PAGES))
    assert len(named) > 20
    helps = {tool: help_of(tool, monkeypatch, capsys) for tool in sorted({t for t, _ in named})}
    missing = [
        (tool, option)
        for tool, option in sorted(named)
        if not re.search(rf"(?<![\w-]){option}(?![\w-])", helps[tool])
    ]
    assert missing == []


def test_options_are_read_from_a_page():
    page = (
        "python tools/a.py x \\\n  --out y  # --json\n`mtlplugins train CONFIG --amp`, -e pip --no"
    )
    assert commands(page) == {
        ("tools/a.py", "--out"),
        ("tools/a.py", "--json"),
        ("mtlplugins train", "--amp"),
        ("mtlplugins train", "--no"),
    }


def test_a_wrong_path_is_seen():
    assert paths("see `tools/no_such.py`, mtlplugins/models/.") == {
        "tools/no_such.py",
        "mtlplugins/models",
    }


def avoided() -> list[str]:
    """The last column of the glossary."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text[text.index("## Glossary") :]
    cells = re.findall(r"^\|.*\|([^|\n]+)\|$", section, re.MULTILINE)[2:]  # after the header
    return [word.strip() for cell in cells for word in cell.split(",") if word.strip()]


def first_sentences(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            yield (ast.get_docstring(node) or "").partition("\n\n")[0]


def breaches(sentence: str, words: list[str]) -> list[str]:
    sentence = sentence.lower().replace("ground truth", "").replace("goes", "go")
    return [word for word in words if re.search(rf"\b{word}s?\b", sentence)]


def test_first_sentences_use_the_words_of_the_glossary():
    words = avoided()
    assert {"picture", "truth", "go on"} <= set(words)
    sources = [*(ROOT / "mtlplugins").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
    found = {
        str(path.relative_to(ROOT)): sentence
        for path in sources
        if path.parent.name != "rooms"  # some have pictures on their walls
        for sentence in first_sentences(path.read_text())
        if breaches(sentence, words)
    }
    assert found == {}


def test_an_avoided_word_is_seen():
    words = avoided()
    assert breaches("The run goes on.", words) == ["go on"]
    assert breaches("Draw pictures.", words) == ["picture"]
    assert breaches("Return the ground truth of the images.", words) == []
