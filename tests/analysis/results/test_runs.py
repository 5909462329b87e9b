from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtlplugins.analysis.results import read_run
from tests.analysis.results.work_dirs import config, full_log, train, val, write_run

ITERATIONS = dict(train_cfg=dict(type="IterBasedTrainLoop", max_iters=25))


def test_a_resumed_run_is_joined(tmp_path: Path) -> None:
    """The second start goes on from epoch 1, so the first one's epoch 2 never was."""
    first = [
        train(10, loss=5.0),
        train(20, loss=4.0),
        val(1, {"depth/d1": 0.1}),
        train(30, epoch=2, loss=99.0),
        train(40, epoch=2, loss=99.0),
        val(2, {"depth/d1": 0.99}),
        train(50, epoch=3, loss=99.0),
    ]
    second = [train(30, epoch=2, loss=3.0)]
    third = [
        train(30, epoch=2, loss=2.5),
        train(40, epoch=2, loss=2.0),
        val(2, {"depth/d1": 0.2}),
        train(50, epoch=3, loss=1.0),
        val(3, {"depth/d1": 0.3}),
    ]
    run = read_run(write_run(tmp_path / "run", config(epochs=3), first, second, third))
    assert [(e.step, e.values["loss"]) for e in run.log.train] == [
        (10, 5.0),
        (20, 4.0),
        (30, 2.5),
        (40, 2.0),
        (50, 1.0),
    ]
    scores = [(v.position, v.scores["depth/d1"]) for v in run.log.validations]
    assert scores == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert run.complete
    assert run.final == {"depth/d1": 0.3}


@pytest.mark.parametrize("finished", [False, True], ids=["cut short", "finished"])
def test_a_validation_that_was_run_again(tmp_path: Path, finished: bool) -> None:
    """A start may begin with a validation, or consist of one."""
    first = [train(10), train(20), *[val(1, {"depth/d1": 0.1})] * finished]
    second = [
        val(1, {"depth/d1": 0.2}),
        train(30, epoch=2),
        train(40, epoch=2),
        *[val(2, {"depth/d1": 0.3})] * finished,
    ]
    third = [val(2, {"depth/d1": 0.4})]
    run = read_run(write_run(tmp_path / "run", config(), first, second, third))
    scores = [(v.position, v.after, v.scores["depth/d1"]) for v in run.log.validations]
    assert scores == [(1, 20, 0.2), (2, 40, 0.4)]
    assert run.complete


def test_a_run_started_anew_replaces_the_old_one(tmp_path: Path) -> None:
    old, new = full_log({"depth/d1": 0.9}), [train(10), train(20), val(1, {"depth/d1": 0.1})]
    run = read_run(write_run(tmp_path / "run", config(), old, new))
    assert [v.scores["depth/d1"] for v in run.log.validations] == [0.1]
    assert run.state == "incomplete: epoch 1 of 2"


def test_a_test_in_the_work_dir_changes_nothing(tmp_path: Path) -> None:
    work_dir = write_run(tmp_path / "run", config(), full_log({"depth/d1": 0.5}), "")
    (work_dir / "20260101_000001/vis_data/config.py").write_text("train_cfg = None")
    (work_dir / "recipe.py").write_text("train_cfg = None")
    assert read_run(work_dir).complete


SCORES = {"depth/d1": 0.5}


@pytest.mark.parametrize(
    ("changes", "entries", "checkpoint", "state"),
    [
        ({}, full_log(SCORES), None, "complete"),
        ({}, full_log(SCORES)[:-1], "epoch_2.pth", "incomplete: 2 epochs, but not its last"),
        ({}, full_log(SCORES)[:4], "epoch_1.pth", "incomplete: epoch 2 of 2"),
        ({}, [], None, "incomplete: epoch 0 of 2"),
        (dict(val_cfg=None), full_log(SCORES)[:2], "epoch_2.pth", "complete"),
        (dict(val_cfg=None), full_log(SCORES)[:2], "epoch_1.pth", "incomplete: epoch 1 of 2"),
        # loops over iterations note epoch 1, and 0 as the step of a validation unless told better
        (ITERATIONS, [train(20), val(25, SCORES)], None, "complete"),
        (ITERATIONS, [train(20), val(0, SCORES)], "iter_25.pth", "complete"),
        (ITERATIONS, [train(20), val(0, SCORES)], None, "incomplete: iteration 20 of 25"),
        (ITERATIONS, [val(0, SCORES), train(20)], "iter_25.pth", "incomplete: 25 iterations, but"),
    ],
)
def test_completeness(tmp_path: Path, changes, entries, checkpoint, state) -> None:
    work_dir = write_run(tmp_path / "run", config(**changes), entries, checkpoint=checkpoint)
    run = read_run(work_dir)
    assert run.state.startswith(state)
    assert run.complete == (state == "complete")


def test_times_and_last_losses(tmp_path: Path) -> None:
    entries = full_log(SCORES, epochs=3, loss=2.0)
    entries[0]["time"] = 3.5  # of six entries of 0.5 s: their mean is 1 s
    entries[0]["grad_norm"] = 7.0
    run = read_run(write_run(tmp_path / "run", config(epochs=3), entries))
    assert run.iterations_per_epoch == 20
    assert run.time_per_iteration == pytest.approx(1.0)
    assert run.time_per_epoch == pytest.approx(20.0)
    assert run.final_training == {"depth_loss": 4.0}  # (6 + 2) / 2


def test_the_kept_best_is_found_by_its_name(tmp_path: Path) -> None:
    entries = full_log({"depth/d1": 0.5, "depth/rmse": 1.0}, epochs=3)
    entries[2]["depth/d1"] = 0.8
    work_dir = write_run(tmp_path / "run", config(epochs=3), entries)
    (work_dir / "best_depth_d1_epoch_1.pth").touch()
    (work_dir / "best_mine.pth").touch()
    (best,) = read_run(work_dir).best.items()
    assert best[0] == "depth/d1"
    assert best[1].scores == {"depth/d1": 0.8, "depth/rmse": 0.0}


def test_a_line_cut_by_a_kill_is_left_out_and_a_broken_one_named(tmp_path: Path) -> None:
    lines = [json.dumps(entry) for entry in full_log(SCORES)]
    cut = "\n".join([*lines, '{"lr": 0.0'])
    assert read_run(write_run(tmp_path / "cut", config(), cut)).complete
    broken = "\n".join([lines[0], '{"lr": 0.0', *lines[1:]])
    with pytest.raises(ValueError, match=r"scalars.json, line 2: no JSON"):
        read_run(write_run(tmp_path / "broken", config(), broken))


@pytest.mark.parametrize(
    "line",
    ["[" * 100_000 + "]" * 100_000, '{"d": ' + "9" * 400 + "}", '{"d": ' + "9" * 5000 + "}"],
    ids=["deep", "400 digits", "5000 digits"],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_line_beyond_all_measure_is_named(tmp_path: Path, line: str, last: bool) -> None:
    """No kill leaves such a one, also as the last."""
    lines = [json.dumps(entry) for entry in full_log(SCORES)]
    lines.insert(len(lines) if last else 1, line)
    with pytest.raises(ValueError, match=rf"scalars.json, line {lines.index(line) + 1}: no JSON"):
        read_run(write_run(tmp_path / "run", config(), "\n".join(lines)))


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder"):
        read_run(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="holds no config"):
        read_run(tmp_path)
    with pytest.raises(ValueError, match="neither max_epochs nor max_iters"):
        read_run(write_run(tmp_path / "a", config(train_cfg=None)))
    with pytest.raises(ValueError, match="keep a LocalVisBackend"):
        read_run(write_run(tmp_path / "b", config(), checkpoint="epoch_1.pth"))
