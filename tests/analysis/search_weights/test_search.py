"""A search over weights whose runs are written by hand: ranking, halving, and continuing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtlplugins.analysis.search_weights.candidates import grid, name_of, parse_values, rungs
from mtlplugins.analysis.search_weights.command import write
from mtlplugins.analysis.search_weights.front import front
from mtlplugins.analysis.search_weights.search import Search
from mtlplugins.common.arguments import parse_cfg_options
from mtlplugins.config import load_config
from tests.analysis.results.work_dirs import full_log

#: A config that is quick to read.
CONFIG = """
model = dict(
    type="MultiTaskModel",
    heads=dict(
        semantic=dict(type="SegmentationHead", in_channels=8, num_classes=4),
        depth=dict(type="DepthHead", in_channels=8, min_depth=0.5, max_depth=10.0),
    ),
    task_weights=dict(semantic=1.0, depth=10.0),
)
train_dataloader = dict(batch_size=2)
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=4)
val_cfg = dict(type="ValLoop")
val_dataloader = dict(batch_size=2)
"""
UP = {"depth/rmse": False, "semantic/mIoU": True, "semantic/aAcc": True}
REFERENCE = dict(semantic=1.0, depth=10.0)


def scores_of(semantic: float, depth: float, seed: int) -> dict[str, float]:
    """More weight, better scores; 1-10 has 50 and 1."""
    return {"semantic/mIoU": 50 * semantic + seed, "depth/rmse": 10 / depth}


class Trainer:
    """Writes the folder that a command would, and counts the commands."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.commands: list[list[str]] = []

    def __call__(self, commands: list[list[str]]) -> None:
        for command in commands:
            self.commands.append(command)
            options = parse_cfg_options(command[command.index("--cfg-options") + 1 :])
            cfg = load_config(self.config, options)
            folder = Path(command[command.index("--work-dir") + 1])
            assert "--resume" in command
            weights = cfg.model.task_weights
            scores = scores_of(weights["semantic"], weights["depth"], cfg.randomness.seed)
            vis = folder / "20260101_000000" / "vis_data"
            vis.mkdir(parents=True)
            cfg.dump(folder / "mine.py")
            cfg.dump(vis / "config.py")
            log = full_log(scores, epochs=cfg.train_cfg.max_epochs)
            (vis / "scalars.json").write_text("".join(f"{_json(entry)}\n" for entry in log))


def _json(entry: dict) -> str:
    return "{" + ", ".join(f'"{key}": {value}' for key, value in entry.items()) + "}"


def search(folder: Path, **changes) -> tuple[Search, Trainer]:
    config = folder / "mine.py"
    config.write_text(CONFIG)
    settings = dict(
        config=str(config),
        cfg_options=(),
        candidates=grid(dict(semantic=[1.0, 2.0], depth=[5.0, 20.0]), REFERENCE),
        seeds=[0],
        epochs=4,
        factor=None,
        metrics=(),
        work_dir=folder,
    )
    return Search(**settings | changes), Trainer(config)


def test_a_grid_is_ranked_and_not_trained_twice(tmp_path: Path) -> None:
    asked, trainer = search(tmp_path, seeds=[0, 2])
    (rung,) = asked.run(trainer, UP)
    assert len(trainer.commands) == 5 * 2
    names = [name_of(s.weights) for s in rung.scored]
    assert names[0] == "semantic-2_depth-20"
    assert names.index("semantic-1_depth-20") < names.index("semantic-1_depth-10")
    first, reference = rung.scored[0], rung.scored[names.index("semantic-1_depth-10")]
    # the reference: mIoU 50 and 52, rmse 1; the first: mIoU 100 and 102, rmse 0.5
    assert first.gains == pytest.approx(dict(semantic=100 * (101 - 51) / 51, depth=50))
    assert first.gain.mean == pytest.approx((100 * 50 / 51 + 50) / 2)
    assert first.scores["semantic/mIoU"].std == pytest.approx(2**0.5)
    assert reference.gain.mean == pytest.approx(0)
    assert asked.run(trainer, UP) == [rung]
    assert len(trainer.commands) == 5 * 2
    text = write(asked, [rung], UP)
    assert "| 1-10 (the config's) | +0.00" in text
    assert (tmp_path / "front.png").stat().st_size > 5000
    assert (tmp_path / "search.json").is_file()


def test_halving_keeps_the_best_and_the_reference(tmp_path: Path) -> None:
    asked, trainer = search(tmp_path, factor=2, epochs=2)
    short, long = asked.run(trainer, UP)
    assert (short.epochs, long.epochs) == (1, 2)
    assert len(short.scored) == 5
    kept = {name_of(s.weights) for s in long.scored}
    assert kept == {name_of(s.weights) for s in short.scored[:3]} | {"semantic-1_depth-10"}
    lengths = [c[c.index("--work-dir") + 1].split("/")[-3] for c in trainer.commands]
    assert lengths == ["1_epochs"] * 5 + ["2_epochs"] * len(kept)


def test_chosen_metrics_and_options(tmp_path: Path) -> None:
    asked, trainer = search(
        tmp_path,
        metrics=["depth/rmse"],
        candidates=[REFERENCE, dict(semantic=9.0, depth=5.0)],
        seeds=[3],
        cfg_options=["train_dataloader.batch_size=4"],
    )
    (rung,) = asked.run(trainer, UP)
    assert [s.gain.mean for s in rung.scored] == [0, pytest.approx(-100)]
    assert all("train_dataloader.batch_size=4" in command for command in trainer.commands)
    with pytest.raises(ValueError, match="--metrics depth/d9: not scored"):
        asked._replace(metrics=["depth/d9"]).run(trainer, UP)
    # other options are another run, which is not overwritten
    with pytest.raises(ValueError, match="holds a run of another config"):
        asked._replace(cfg_options=["train_dataloader.batch_size=2"]).run(trainer, UP)


def test_values_and_grid() -> None:
    values = parse_values(["depth=1,10,10"], ["semantic", "depth"])
    assert values == {"depth": [1.0, 10.0]}
    assert grid(values, REFERENCE) == [REFERENCE, dict(semantic=1.0, depth=1.0)]
    for words, message in (
        (["scene=1"], "no task 'scene'"),
        (["depth=1", "depth=2"], "given twice"),
        (["depth=0,1"], "numbers above 0"),
        (["depth"], "numbers above 0"),
        (["depth=nan"], "numbers above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            parse_values(words, ["semantic", "depth"])


def test_rungs_cost_about_the_same() -> None:
    assert rungs(9, 9, 3) == [(9, 1), (3, 3), (1, 9)]
    assert rungs(9, 8, 3) == [(9, 2), (3, 8)]
    assert rungs(8, 40, 2) == [(8, 5), (4, 10), (2, 20), (1, 40)]
    assert rungs(5, 4, None) == [(5, 4)]
    assert rungs(1, 4, 2) == [(1, 4)]


def test_the_front() -> None:
    points = [(1, 1), (2, 0), (0, 2), (1, 0), (1, 1), (2, 0.5)]
    assert front(points) == [True, False, True, False, True, True]
