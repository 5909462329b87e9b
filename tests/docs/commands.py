"""Split the shell commands of the documentation, and parse them as their tools would."""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from importlib import import_module

import pytest

from mtlplugins import cli

from .pages import ROOT

_FOR = re.compile(r"for (\w+) in ([^;\n]+);")
_PARTS = re.compile(r";|&&|\n")


class Parsed(Exception):
    """A tool has parsed its command line."""


def commands(text: str) -> list[str]:
    """Return the single commands of a block: loops once, without comments and continued lines."""
    values = {name: words.split()[0] for name, words in _FOR.findall(text)}
    text = _FOR.sub("", text.replace("\\\n", " "))
    for name, value in values.items():
        text = re.sub(rf"\$\{{{name}\}}|\${name}\b", value, text)
    lines = (re.sub(r"(^|\s)#.*", "", line) for line in text.splitlines())
    parts = (part.strip() for line in lines for part in _PARTS.split(line))
    parts = (re.sub(r"^(do\b\s*)+", "", part) for part in parts)
    return [" ".join(part.split()) for part in parts if part not in ("", "done")]


def arguments(command: str) -> list[str]:
    """Return the words of a command, without variables that are set before it."""
    words = shlex.split(command)
    while re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    return words


def parse_as_tool(words: list[str], patch: pytest.MonkeyPatch) -> None:
    """Let the tool of a command parse its command line, and stop there.

    Raises:
        SystemExit: It does not parse.
        Parsed: It does.
    """
    parse = argparse.ArgumentParser.parse_args

    def stop(self: argparse.ArgumentParser, *args: object, **kwargs: object) -> None:
        parse(self, *args, **kwargs)
        raise Parsed

    patch.setattr(argparse.ArgumentParser, "parse_args", stop)
    if words[0] == "mtlplugins":
        patch.setattr(sys, "argv", [" ".join(words[:2]), *words[2:]])
        import_module(cli.COMMANDS[words[1]][1]).main()
    else:
        script = ROOT / words[1]
        patch.syspath_prepend(script.parent)
        patch.setattr(sys, "argv", [str(script), *words[2:]])
        runpy.run_path(str(script), run_name="__main__")


def make_targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def extras() -> dict[str, str]:
    """Return the text of each extra in setup.py."""
    text = (ROOT / "setup.py").read_text()
    section = text[text.index("extras_require") : text.index("classifiers")]
    return dict(re.findall(r'"([\w-]+)": \[(.*?)\]', section, re.DOTALL))


def unknown_packages(words: list[str]) -> Iterator[str]:
    """Yield what ``pip install`` is given that is no extra of ours and in none of them."""
    ours = re.compile(r"(?:mtlplugins|\.)(?:\[([\w,-]+)\])?")
    for word in words[2:]:
        found = ours.fullmatch(word)
        names = (found[1] or "").split(",") if found else []
        if found and all(not name or name in extras() for name in names):
            continue
        if word != "-e" and not any(f'"{word}"' in text for text in extras().values()):
            yield word
