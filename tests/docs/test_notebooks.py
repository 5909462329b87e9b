"""The notebooks run from an empty folder, cell by cell, without a kernel."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from .pages import ROOT

NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))


def cells(notebook: Path) -> list[str]:
    """Return the code cells of a notebook."""
    content = json.loads(notebook.read_text())
    assert content["nbformat"] == 4
    return ["".join(c["source"]) for c in content["cells"] if c["cell_type"] == "code"]


def run(code: str, names: dict[str, object]) -> object:
    """Run a cell; its value is that of its last line, as in a notebook."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if last is not None:
        return eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return None


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_hold_code_and_no_output(notebook: Path) -> None:
    assert len(cells(notebook)) > 4
    for cell in json.loads(notebook.read_text())["cells"]:
        assert cell.get("outputs", []) == []
        assert cell["id"]
    for code in cells(notebook):
        ast.parse(code)


def test_a_cell_has_the_value_of_its_last_line() -> None:
    names: dict[str, object] = {}
    assert run("a = 2\nb = a", names) is None
    assert run("c = b + 1\nc * 2", names) == 6


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "notebook"}
    values = [run(code, names) for code in cells(notebook)]
    assert values[-1]._repr_png_().startswith(b"\x89PNG")
    if "difference" in names:
        assert names["difference"] < 1e-3
        assert [name for name, *_ in values[2]] == ["semantic", "depth"]
    else:
        assert {"semantic/mIoU", "depth/d1", "scene/top1"} <= set(names["scores"])
