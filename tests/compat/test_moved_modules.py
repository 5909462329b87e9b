"""Modules under their old names."""

from __future__ import annotations

import importlib
import sys

import pytest

import mtlplugins  # noqa: F401, finds moved modules
from mtlplugins.compat.moved_modules import MOVED, find_moved_modules


@pytest.mark.parametrize("name", MOVED)
def test_an_old_name_is_the_module_itself(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.warns(FutureWarning, match=f"{name} is now {MOVED[name]}; import it by that name"):
        found = importlib.import_module(name)
    assert found is importlib.import_module(MOVED[name])
    assert found.__name__ == MOVED[name]
    assert importlib.import_module(name) is found  # and no second warning


def test_no_module_that_exists_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(sys.meta_path)
    find_moved_modules()
    assert len(sys.meta_path) == before
    monkeypatch.setitem(MOVED, "mtlplugins.cli", "mtlplugins.datasets")
    monkeypatch.delitem(sys.modules, "mtlplugins.cli", raising=False)
    assert importlib.import_module("mtlplugins.cli").__name__ == "mtlplugins.cli"
    with pytest.raises(ModuleNotFoundError, match=r"mtlplugins\.datasets\.depth_files"):
        importlib.import_module("mtlplugins.datasets.depth_files")
