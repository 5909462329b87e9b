"""Tables of the documentation say what the code says."""

from __future__ import annotations

import ast
import re

import pytest

from mtlplugins import evaluation
from mtlplugins.analysis.budget import PLAIN, module_budgets
from mtlplugins.apis import load_config
from mtlplugins.kinds import parts
from mtlplugins.models.conditioning import MODULES, ConditioningPlan
from tests._slow import slow_except
from tests.tools.command import load_tool

from .commands import extras, make_targets
from .pages import ROOT, tables

STACK = ("mmengine", "mmcv", "mmseg", "mmpretrain", "timm")


def rows(page: str, first: str) -> list[list[str]]:
    """Return the rows of a page's tables whose first column has this title."""
    found = [t for t in tables((ROOT / "docs" / page).read_text()) if t[0][0] == first]
    assert found
    return [row for table in found for row in table[1:]]


def names(cell: str) -> list[str]:
    """Return the code words of a cell."""
    return re.findall(r"`([\w.]+)`", cell)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_scores_are_those_of_the_metrics() -> None:
    listed: dict[str, dict[str, bool]] = {}
    for metric, scores, unit, better in rows("results.md", "metric"):
        assert unit
        found = {n: better == "higher" for n in names(scores) if n not in ("iou_metrics", "topk")}
        listed.setdefault(metric.strip("`"), {}).update(found)
    built = {
        "MultiTaskIoUMetric": dict(iou_metrics=("mIoU", "mDice", "mFscore")),
        "MultiTaskAccuracy": dict(topk=(1, 5), cross_entropy=True),
    }
    metrics = set(evaluation.__all__) - {"TaskMetric"}
    assert set(listed) == metrics
    for name in metrics:
        metric = getattr(evaluation, name)(task="a", **built.get(name, {}))
        assert listed[name] == metric.higher_is_better, name


def test_kinds_have_their_heads_and_metrics() -> None:
    for kind, _, heads, metrics in rows("tasks.md", "kind of target"):
        assert set(names(heads)) == {part.__name__ for part in parts(kind, "head")}
        assert set(names(metrics)) == {part.__name__ for part in parts(kind, "metric")}


def test_conditional_modules_and_their_settings() -> None:
    listed = {row[0].strip("`"): re.findall(r"`(\w+)` \((\d+)\)", row[3]) for row in module_rows()}
    assert listed == {
        name: [(key, str(value)) for key, value in module.settings.items()]
        for name, module in MODULES.items()
    }


def module_rows() -> list[list[str]]:
    """Return the rows of the table of conditional modules."""
    return rows("conditioning.md", "module")


def test_the_plan_s_other_keys() -> None:
    for key, default, _ in rows("conditioning.md", "key"):
        assert str(getattr(ConditioningPlan, key.strip("`"))) == default.strip("`")


@pytest.mark.parametrize("module", slow_except([PLAIN, *MODULES], "low_rank"))
def test_what_a_module_costs(module: str) -> None:
    listed = rows("conditioning.md", "cost")
    (titles,) = (
        t[0] for t in tables((ROOT / "docs/conditioning.md").read_text()) if t[0][0] == "cost"
    )
    assert [title.strip("`") for title in titles[1:]] == [PLAIN, *MODULES]
    column = [title.strip("`") for title in titles].index(module)
    found = {row[0]: row[column] for row in listed if not row[0].startswith("ms")}
    budgets = module_budgets(
        load_config(str(ROOT / "configs/nyuv2/vit_cond_nyuv2.py")), modules=[module]
    )
    table = tables(load_tool("analysis/model_stats.py")["budget_table"](budgets))[0]
    assert found == {row[0]: row[1] for row in table[1:]}
    # times of the same subsets
    assert [row[0][2:] for row in listed if row[0].startswith("ms")] == [
        row[0].removeprefix("GFLOPs") for row in table if row[0].startswith("GFLOPs")
    ]


def imported() -> set[str]:
    """Return the packages of the mm stack, and their parts, that ours imports."""
    found = set()
    for path in (ROOT / "mtlplugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module or "")
    parts = {".".join(name.split(".")[:2]) for name in found if name.split(".")[0] in STACK}
    return parts - {"mmengine"}  # `from mmengine import fileio`


def test_what_is_used_of_the_mm_stack() -> None:
    listed = [row[0].strip("`") for row in rows("stack.md", "part")]
    assert len(set(listed)) == len(listed)
    assert set(listed) == imported() | {"mmengine.fileio"}


def test_extras_and_targets_of_the_installation() -> None:
    assert [row[0].strip("`") for row in rows("install.md", "extra")] == list(extras())
    for command, _ in rows("install.md", "command"):
        assert command.strip("`").split()[1] in make_targets()
