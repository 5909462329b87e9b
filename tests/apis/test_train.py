"""Training from Python."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import mtlplugins
from mtlplugins.config import load_config
from mtlplugins.engine import MultiTaskRunner
from tests.configs._reduced import reduce_config

CONFIG = Path(__file__).parents[2] / "configs/rooms/swin_cond_rooms.py"


def small() -> Config:
    """Two epochs of two batches, as a config that names no runner."""
    cfg = load_config(CONFIG)
    reduce_config(cfg)
    for part in ("train", "val", "test"):
        cfg[f"{part}_dataloader"].dataset.length = 4
        cfg[f"{part}_dataloader"].update(num_workers=0, persistent_workers=False, batch_size=2)
    cfg.train_cfg.update(max_epochs=2, val_interval=2)
    cfg.param_scheduler[0].total_steps = 2
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.pop("runner_type")
    return cfg


def test_train_and_resume(tmp_path: Path) -> None:
    cfg = small()
    runner = mtlplugins.train(cfg, work_dir=tmp_path / "run")
    assert type(runner) is MultiTaskRunner
    assert runner.iter == 4
    assert "work_dir" not in cfg  # the caller's is left alone
    with pytest.raises(FileExistsError, match="--resume continues it"):
        mtlplugins.train(cfg, work_dir=tmp_path / "run")
    (tmp_path / "run/epoch_2.pth").unlink()
    # where it starts from is not where it goes on from
    start = str(tmp_path / "run/epoch_1.pth")
    resumed = mtlplugins.train(cfg, work_dir=tmp_path / "run", resume=True, load_from=start)
    assert resumed.iter == 4
    weights = resumed.model.state_dict()
    for name, value in runner.model.state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_resume_starts_from_weights_where_there_is_no_run(tmp_path: Path) -> None:
    options = {"train_cfg.max_epochs": 1}
    first = mtlplugins.train(small(), work_dir=tmp_path / "first", cfg_options=options, amp=True)
    assert type(first.optim_wrapper).__name__ == "Bf16OptimWrapper"
    start = tmp_path / "first/epoch_1.pth"
    second = mtlplugins.train(
        small(), work_dir=tmp_path / "second", resume=True, load_from=start, cfg_options=options
    )
    assert second.iter == 2  # from the start
    assert second.cfg.load_from == str(start)
    assert not second.cfg.resume


def test_a_start_from_nowhere_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"load_from=none\.pth: no such file"):
        mtlplugins.train(small(), work_dir=tmp_path / "run", load_from="none.pth")
    assert not (tmp_path / "run").exists()
