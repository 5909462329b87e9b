from __future__ import annotations

from pathlib import Path

import pytest

from mtlplugins.analysis.results import group_runs, read_run, summarise
from tests.analysis.results.work_dirs import config, full_log, write_run


def runs_of(root: Path, *configs: dict, scores: tuple = (1.0, 2.0, 6.0)) -> list:
    """One complete run for each config, with these ``depth/d1``."""
    runs = []
    for number, values in enumerate(configs):
        log = full_log({"depth/d1": scores[number]})
        runs.append(read_run(write_run(root / str(number), values, log)))
    return runs


def test_seeds_are_averaged(tmp_path: Path) -> None:
    (group,) = group_runs(runs_of(tmp_path, *(config(seed=s) for s in (1, 2, 3))))
    assert group.label == "recipe"
    # of 1, 2, 6: deviations -2, -1, 3; sum of squares 14, over n - 1
    assert summarise(group).scores["depth/d1"] == pytest.approx((3.0, 7**0.5, 3))


def test_a_single_run_has_no_spread(tmp_path: Path) -> None:
    (group,) = group_runs(runs_of(tmp_path, config()))
    assert summarise(group).scores == {"depth/d1": (1.0, None, 1)}


def test_incomplete_runs_are_never_averaged(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, config(seed=1), config(seed=2))
    killed = full_log({"depth/d1": 99.0}, epochs=3)[:4]
    runs.append(read_run(write_run(tmp_path / "killed", config(seed=3), killed)))
    runs.append(read_run(write_run(tmp_path / "begun", config(seed=4))))
    (group,) = group_runs(runs)
    assert [run.complete for run in group.runs] == [True, True, False, False]
    assert summarise(group).scores["depth/d1"] == pytest.approx((1.5, 0.5**0.5, 2))


def test_another_config_of_the_same_name_stands_apart(tmp_path: Path) -> None:
    named = dict(experiment=dict(name="Only Depth"))
    other = config(seed=2, optim_wrapper=dict(lr=2.0), **named)
    runs = runs_of(
        tmp_path, config(seed=1, optim_wrapper=dict(lr=1.0), **named), other, config(seed=3)
    )
    groups = group_runs(runs)
    assert [g.label for g in groups] == ["Only Depth", "Only Depth (variant 2)", "recipe"]
    assert groups[1].note == "optim_wrapper.lr 2.0 instead of 1.0"


def test_how_a_run_was_made_does_not_set_it_apart(tmp_path: Path) -> None:
    loader = dict(num_workers=9, dataset=dict(type="NoSuchData", data_root="/x"))
    changed = config(seed=2, val_dataloader=loader, resume=True, launcher="pytorch")
    assert len(group_runs(runs_of(tmp_path, config(seed=1), changed))) == 1


def test_a_folder_given_twice_counts_once(tmp_path: Path) -> None:
    (run,) = runs_of(tmp_path, config())
    (group,) = group_runs([run, read_run(f"{tmp_path}/0/../0")])
    assert len(group.runs) == 1


def test_a_table_calls_runs_its_own_way(tmp_path: Path) -> None:
    rows = {"4.10": "Regular Layer Norm", "4.14": "Same Batch"}
    (run,) = runs_of(tmp_path, config(experiment=dict(name="Regular", rows=rows)))
    assert group_runs([run], table="4.14")[0].label == "Same Batch"
    assert group_runs([run], table="4.4")[0].label == "Regular"
    assert group_runs([run])[0].label == "Regular"


def test_a_seed_that_comes_twice_is_no_second_sample(tmp_path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_run(tmp_path / folder, config(seed=seed), full_log({"depth/d1": 0.5}))
    (group,) = group_runs([read_run(tmp_path / name) for name in "abc"])
    assert group.note == "several runs of seed 1: the spread is smaller than between seeds"
    (group,) = group_runs([read_run(tmp_path / name) for name in "bc"])
    assert group.note == ""
