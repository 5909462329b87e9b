"""The console command ``mtlplugins``."""

from __future__ import annotations

import atexit
import gc
import sys
from importlib import import_module

import pytest

import mtlplugins
from mtlplugins import apis
from mtlplugins.cli import COMMANDS, main


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["mtlplugins", *words])
    main()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_reads_a_command_line(name: str, monkeypatch, capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, name, "--help")
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: mtlplugins {name} ")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_exit_status_is_the_command_s(name: str, monkeypatch) -> None:
    monkeypatch.setattr(import_module(COMMANDS[name][1]), "main", lambda: "not everything")
    with pytest.raises(SystemExit, match="not everything"):
        run(monkeypatch, name)


def test_nothing_is_searched_for_garbage_as_a_command_ends(monkeypatch) -> None:
    at_exit = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    monkeypatch.setattr(import_module(COMMANDS["predict"][1]), "main", lambda: None)
    with pytest.raises(SystemExit):
        run(monkeypatch, "predict")
    assert at_exit == [gc.freeze]


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_usage_lists_the_commands(words: tuple[str, ...], monkeypatch, capsys) -> None:
    run(monkeypatch, *words)
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in COMMANDS)


def test_an_unknown_command_is_named(monkeypatch) -> None:
    with pytest.raises(SystemExit, match="no command 'tran'"):
        run(monkeypatch, "tran")


def test_the_package_hands_on_its_api() -> None:
    assert all(getattr(mtlplugins, name) is getattr(apis, name) for name in mtlplugins.__all__)
    with pytest.raises(AttributeError, match="'mtlplugins' has no attribute 'tarin'"):
        _ = mtlplugins.tarin
