"""Groupings: all divisions, their scores by hand, and measured gains beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtlplugins.analysis.affinity.groupings import partitions, rank_correlation, ranked
from mtlplugins.analysis.affinity.measured import measured_gains
from tests.analysis.results.work_dirs import config, full_log, write_run

NAN = float("nan")
#: A step for the row's task gains the column's this much.
AFFINITY = [[9.0, 2.0, -1.0], [4.0, 9.0, 0.5], [-3.0, 0.5, 9.0]]


def test_all_divisions() -> None:
    counts = [
        len({frozenset(map(frozenset, p)) for p in partitions("abcdef"[:n])}) for n in range(7)
    ]
    assert counts == [1, 1, 2, 5, 15, 52, 203]  # Bell's numbers
    assert set(partitions("ab")) == {(("a", "b"),), (("a",), ("b",))}


def test_scores_by_hand() -> None:
    found = {g.groups: g.score for g in ranked("abc", AFFINITY)}
    assert found == pytest.approx(
        {
            (("a", "b"), ("c",)): (4 + 2 + 0) / 3,
            (("a", "b", "c"),): ((4 - 3) / 2 + (2 + 0.5) / 2 + (-1 + 0.5) / 2) / 3,
            (("a",), ("b", "c")): (0 + 0.5 + 0.5) / 3,
            (("a",), ("b",), ("c",)): 0,
            (("a", "c"), ("b",)): (-3 - 1) / 3,
        }
    )
    first, *_, last = found
    assert first == (("a", "b"), ("c",))
    assert last == (("a", "c"), ("b",))


def test_measured_gains_and_their_rank_correlation() -> None:
    measured = {
        frozenset("ab"): dict(a=6.0, b=3.0),
        frozenset("bc"): dict(b=0.0, c=3.0),
        frozenset("ac"): dict(a=-9.0, c=0.0),
    }
    found = ranked("abc", AFFINITY, measured)
    by_groups = {g.groups: g.measured for g in found}
    assert by_groups[("a", "b"), ("c",)] == 3
    assert by_groups[("a", "b", "c"),] is None  # was not trained
    assert by_groups[("a",), ("b",), ("c",)] == 0
    assert rank_correlation(found) == pytest.approx(1)
    assert rank_correlation(found[:1]) is None
    measured[frozenset("ab")] = dict(a=-90.0, b=-90.0)  # the best guess is the worst
    # ranks by score 3, 2, 1, 0; by measured gain 0, 3, 2, 1
    assert rank_correlation(ranked("abc", AFFINITY, measured)) == pytest.approx(-0.2)


def test_unknown_affinities_and_many_tasks() -> None:
    unknown = [[1.0, NAN], [NAN, 1.0]]
    assert [g.groups for g in ranked("ab", unknown)] == [(("a",), ("b",))]
    many = "abcdefghi"
    assert ranked(many, [[0.0] * 9] * 9) == []


def run(folder: Path, name: str, scores: dict[str, float], *, seed: int = 0) -> Path:
    tasks = {metric.partition("/")[0]: {} for metric in scores}
    values = config(
        seed=seed, model=dict(type="NoSuchModel", heads=tasks), experiment=dict(name=name)
    )
    return write_run(folder / f"{name}{seed}", values, full_log(scores))


def test_gains_of_runs(tmp_path: Path) -> None:
    runs = [
        run(tmp_path, "depth", {"depth/rmse": 0.5, "depth/d1": 0.4}),
        run(tmp_path, "semantic", {"semantic/mIoU": 40.0}),
        run(tmp_path, "both", {"depth/rmse": 0.4, "depth/d1": 0.4, "semantic/mIoU": 30.0}),
        run(tmp_path, "both", {"depth/rmse": 0.5, "depth/d1": 0.6, "semantic/mIoU": 40.0}, seed=1),
        run(tmp_path, "other", {"scene/top1": 9.0, "depth/d1": 9.0}),
    ]
    found = measured_gains(runs, ["semantic", "depth"])
    # depth: rmse +20 and 0, d1 0 and +50 percent; semantic: -25 and 0
    expected = {"depth": 17.5, "semantic": -12.5}
    assert found == {frozenset(("semantic", "depth")): pytest.approx(expected)}
    again = run(tmp_path, "depth again", {"depth/rmse": 0.5})
    with pytest.raises(ValueError, match="depth and depth again both train depth: give the runs"):
        measured_gains([*runs, again], ["semantic", "depth"])
