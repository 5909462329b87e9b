"""Private names of other packages are used in one file only, and exist."""

from __future__ import annotations

import ast
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import ImgDataPreprocessor
from torch.utils.flop_counter import FlopCounterMode

import mtlplugins
from mtlplugins.common import private

PACKAGE = Path(mtlplugins.__file__).parent
#: ``compat`` replaces private functions of others, and says so of each.
EXEMPT = {PACKAGE / "common/private.py", *PACKAGE.glob("compat/*.py")}
SOURCES = sorted(set(PACKAGE.rglob("*.py")) - EXEMPT) + sorted(
    (PACKAGE.parent / "tools").rglob("*.py")
)
#: Of named tuples, whose underscore keeps them apart from the fields; and of ``os``.
PUBLIC = {"_replace", "_asdict", "_fields", "_make", "_exit"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def own_names(tree: ast.AST) -> Iterator[str]:
    """Private names that a file defines."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif not isinstance(getattr(node, "ctx", None), ast.Store):
            continue
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute) and is_self(node.value):  # else it is the other's
            yield node.attr


def foreign_names(tree: ast.AST, own: set[str]) -> list[str]:
    """Private names that a file reads of something else than itself, and we do not define."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            inherited = is_self(owner) or (
                isinstance(owner, ast.Call) and getattr(owner.func, "id", "") == "super"
            )
            names = [] if inherited else [node.attr]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            outside = node.module.partition(".")[0] not in ("mtlplugins", "__future__")
            parts = [*node.module.split("."), *(alias.name for alias in node.names)]
            names = parts if outside else []
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr"):
            names = [a.value for a in node.args[1:2] if isinstance(a, ast.Constant)]
        else:
            continue
        found += [name for name in names if is_private(name) and name not in own | PUBLIC]
    return found


def test_no_other_file_names_what_is_private() -> None:
    trees = {str(path): ast.parse(path.read_text()) for path in SOURCES}
    own = {name for tree in trees.values() for name in own_names(tree) if is_private(name)}
    found = {path: foreign_names(tree, own) for path, tree in trees.items()}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "torch._C.f()",
        "from torch._C import f",
        "from torch import _C",
        "if runner._resume: pass",
        "getattr(runner.optim_wrapper, '_accumulative_counts', 1)",
        "x = cfg._cfg_dict",
        "copy._metadata = versions",
    ],
)
def test_a_private_name_is_found(source: str) -> None:
    assert len(foreign_names(ast.parse(source), {"_own"})) == 1


@pytest.mark.parametrize(
    "source", ["self._x", "super()._x()", "other._own", "pair._replace(a=1)", "from .a import _b"]
)
def test_what_may_be_named(source: str) -> None:
    assert foreign_names(ast.parse(source), {"_own"}) == []


def test_every_private_name_has_its_version() -> None:
    functions = [
        n for n in ast.parse(Path(private.__file__).read_text()).body if hasattr(n, "args")
    ]
    assert len(functions) > 8
    for function in functions:
        text = ast.get_docstring(function)
        assert "Seen in: " in text, function.name
        assert "Ends: " in text, function.name


def test_dispatch_modes_and_transforms_are_seen() -> None:
    seen = []

    def note(x: torch.Tensor) -> torch.Tensor:
        seen.append((private.is_dispatch_watched(), private.is_function_transformed()))
        return x

    note(torch.ones(1))
    with FlopCounterMode(display=False):
        note(torch.ones(1))
    torch.func.vmap(note)(torch.ones(1))
    assert seen == [(False, False), (True, False), (False, True)]


def test_norms_of_several_tensors() -> None:
    norms = private.euclidean_norms([torch.tensor([3.0, 4.0]), torch.tensor([[2.0]])])
    assert [norm.item() for norm in norms] == [5.0, 2.0]


def test_products_of_onednn() -> None:
    x, weight, bias = torch.randn(3, 4), torch.randn(5, 4), torch.randn(5)
    torch.testing.assert_close(private.onednn_linear(x, weight, bias), x @ weight.T + bias)


def test_versions_of_modules_are_copied() -> None:
    state, copy = torch.nn.BatchNorm1d(2).state_dict(), OrderedDict()
    private.copy_versions(state, copy)
    assert copy._metadata[""] == {"version": 2}
    private.copy_versions({}, plain := {})  # an optimizer's state has none
    assert plain == {}


def test_settings_of_a_preprocessor() -> None:
    plain = ImgDataPreprocessor()
    full = ImgDataPreprocessor(mean=[1, 2, 3], std=[1, 2, 3], bgr_to_rgb=True)
    assert [private.reverses_channels(p) for p in (plain, full)] == [False, True]
    assert [private.normalises_images(p) for p in (plain, full)] == [False, True]


def test_the_dictionary_of_a_config_is_no_copy() -> None:
    cfg = Config(dict(a=dict(b=1)))
    private.config_dict(cfg)["a"]["b"] = 2
    assert cfg.a.b == 2
