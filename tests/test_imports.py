"""Imports go one way, files stay small, and no code asks for a task by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

import mtlplugins
from mtlplugins.datasets import RoomsDataset

PACKAGE = Path(mtlplugins.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
TASKS = set(RoomsDataset(1).metainfo["tasks"])

#: What every package may import.
LEAVES = {
    "mtlplugins.common",
    "mtlplugins.io",
    "mtlplugins.kinds",
    "mtlplugins.structures",
}
#: What may be imported of the package, besides itself and the leaves. The most specific row holds.
ARROWS: dict[str, set[str]] = {
    "mtlplugins": {"mtlplugins"},
    "mtlplugins.__main__": {"mtlplugins.cli"},
    "mtlplugins.analysis": {
        f"mtlplugins.{part}"
        for part in ("config", "datasets", "evaluation", "models", "visualization")
    },
    "mtlplugins.apis": {"mtlplugins"},
    "mtlplugins.cli": set(),  # imports the module of the command that is run, by its name
    "mtlplugins.common": set(),
    "mtlplugins.compat": {"mtlplugins.weights"},
    "mtlplugins.config": {"mtlplugins.compat", "mtlplugins.evaluation", "mtlplugins.engine"},
    "mtlplugins.datasets": {"mtlplugins.rooms", "mtlplugins.geometry"},
    "mtlplugins.engine": {"mtlplugins.datasets"},
    "mtlplugins.evaluation": set(),
    "mtlplugins.geometry": set(),
    "mtlplugins.io": set(),
    "mtlplugins.kinds": set(),
    "mtlplugins.models": {"mtlplugins.weights"},
    "mtlplugins.models.backbones": {
        "mtlplugins.models.layers",
        "mtlplugins.models.conditioning",
        "mtlplugins.weights",
    },
    "mtlplugins.models.conditioning": set(),
    "mtlplugins.models.decoders": {"mtlplugins.models.layers", "mtlplugins.models.rows"},
    "mtlplugins.models.heads": {"mtlplugins.models.losses"},
    "mtlplugins.models.layers": {"mtlplugins.models.conditioning"},
    "mtlplugins.models.losses": set(),
    "mtlplugins.rooms": set(),
    "mtlplugins.structures": set(),
    "mtlplugins.visualization": set(),
    "mtlplugins.weights": set(),
    "mtlplugins.web": {"mtlplugins"},
}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def below(name: str, area: str) -> bool:
    return name == area or name.startswith(area + ".")


def imported(source: str, module: str, *, package: bool) -> Iterator[str]:
    """Absolute names of all that ``source`` imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            start = parts[: len(parts) - node.level + package] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def wrong_imports(source: str, module: str, *, package: bool = False) -> list[str]:
    area = max((a for a in ARROWS if below(module, a)), key=len)
    allowed = {area} | ARROWS[area] | LEAVES
    return [
        name
        for name in imported(source, module, package=package)
        if below(name, "configs")
        or below(name, "tools")
        or (below(name, "mtlplugins") and not any(below(name, a) for a in allowed))
    ]


def asks_for_a_task(source: str) -> list[int]:
    """Lines that compare a task's name, or anything with the name of a task."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            compared = any(isinstance(op, (ast.Eq, ast.NotEq)) for op in node.ops) or isinstance(
                node.comparators[0], (ast.Tuple, ast.List, ast.Set)
            )
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.Match):
            compared = True
            sides = [node.subject, *(case.pattern for case in node.cases)]
        else:
            continue
        words = {
            inner.value
            for side in sides
            for inner in ast.walk(side)
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
        }
        names = {name for side in sides for name in _last_names(side)}
        if compared and words and ("task" in names or words & TASKS):
            lines.append(node.lineno)
    return lines


def _last_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        yield str(node.slice.value)


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_run_one_way(path: Path):
    package = path.name == "__init__.py"
    assert wrong_imports(path.read_text(), module_name(path), package=package) == []


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_no_code_asks_for_a_task(path: Path):
    assert asks_for_a_task(path.read_text()) == []


def test_every_part_of_the_package_is_looked_at():
    parts = {path.name.removesuffix(".py") for path in PACKAGE.iterdir()} - {
        "__pycache__",
        "py.typed",
    }
    assert {f"mtlplugins.{part}" for part in parts - {"__init__"}} <= set(ARROWS)
    assert len(SOURCES) > 50
    assert {"semantic", "depth", "normals", "scene", "superclass"} == TASKS


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from mtlplugins.datasets import RoomsDataset", "mtlplugins.models.rows"),
        ("import mtlplugins.evaluation.depth_metric", "mtlplugins.models.heads.depth"),
        ("from mtlplugins import models", "mtlplugins.visualization.panels"),
        ("def f():\n    from ..models import rows", "mtlplugins.datasets.multitask"),
        ("from ..layers import shift_mask", "mtlplugins.models.conditioning.film"),
        ("from ..backbones.cond_swin import CondSwinTransformer", "mtlplugins.models.layers.x"),
        ("from mtlplugins.models.rows import Rows", "mtlplugins.models.backbones.cond_swin"),
        ("from mtlplugins.models import heads", "mtlplugins.models.losses.berhu"),
        ("from tools.train import main", "mtlplugins.config.load"),
        ("import configs", "mtlplugins.engine.resume"),
        ("from mtlplugins.apis import x", "mtlplugins.models.heads.base"),
    ],
)
def test_a_wrong_arrow_is_found(source: str, module: str):
    assert len(wrong_imports(source, module)) == 1


def test_files_are_small():
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCES}
    assert [path for path, length in lengths.items() if length > 350] == []
    assert median(lengths.values()) <= 90


def test_relative_imports_of_a_package():
    assert wrong_imports("from .film import FiLM", "mtlplugins.models.layers", package=True) == []
    assert wrong_imports("from ..heads import x", "mtlplugins.models.layers", package=True) == [
        "mtlplugins.models.heads.x"
    ]
    assert wrong_imports("import torch\nfrom mmseg import x", "mtlplugins.models.rows") == []


@pytest.mark.parametrize(
    "source",
    [
        "if task == 'depth': pass",
        "if 'rgb' != self.task: pass",
        "if name == 'depth': pass",
        "x = task in ('a', 'b')",
        "y = [t for t in tasks if t in {'semantic', 'other'}]",
        "if info['task'] == 'x': pass",
        "match task:\n    case 'a': pass",
        "if a == b == 'scene': pass",
    ],
)
def test_asking_for_a_task_is_found(source: str):
    assert asks_for_a_task(source) == [1]


@pytest.mark.parametrize(
    "source",
    [
        "if task == other: pass",
        "if 'loss' in task: pass",
        "if task not in decoders: pass",
        "if mode == 'slide': pass",
        "x = f'gt_{task}' in sample",
    ],
)
def test_what_may_be_asked(source: str):
    assert asks_for_a_task(source) == []
