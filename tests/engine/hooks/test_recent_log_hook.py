"""Logged numbers are forgotten when nothing asks for them, and not before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from mtlplugins.engine.hooks import RecentLogHook
from tests.engine._stopping import At, make_run, terminate

LOSS = "train/loss"


def train(work_dir: Path, *hooks: RecentLogHook | At) -> Runner:
    runner = make_run(work_dir, *hooks, iterations=48)
    runner.train()
    return runner


def histories(runner: Runner) -> dict[str, list[float]]:
    return {
        name: buffer.data[0].tolist()
        for name, buffer in runner.message_hub.log_scalars.items()
        if "time" not in name
    }


def logged(work_dir: Path) -> list[float]:
    (file,) = work_dir.glob("*/vis_data/scalars.json")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def test_only_the_last_numbers_are_kept_and_the_log_is_the_same(tmp_path: Path) -> None:
    everything = train(tmp_path / "plain").message_hub.get_scalar(LOSS).data[0]
    assert len(everything) == 48
    runner = train(tmp_path / "short", RecentLogHook(length=12))
    kept = runner.message_hub.get_scalar(LOSS).data[0]
    assert kept.tolist() == everything[-24:].tolist()[-len(kept) :]
    assert len(kept) == 12  # shortened behind iterations 24, 36 and 48
    assert logged(tmp_path / "short") == logged(tmp_path / "plain")
    assert len(logged(tmp_path / "short")) == 5  # every ten, and the last
    saved = torch.load(tmp_path / "short/iter_48.pth", weights_only=False)["message_hub"]
    assert len(saved["log_scalars"][LOSS].data[0]) == 12


def test_a_resumed_run_has_the_history_of_one_that_was_not_stopped(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", RecentLogHook(length=11))
    stopped = tmp_path / "stopped"
    hook = RecentLogHook(length=11)
    for iteration in (23, 34):  # behind which something is forgotten, or was just before
        run = make_run(stopped, hook, At("train", iteration, terminate), iterations=48)
        with pytest.raises(SystemExit):
            run.train()
    assert histories(train(stopped, RecentLogHook(length=11))) == histories(whole)


def test_what_is_averaged_over_the_run_stays(tmp_path: Path) -> None:
    runner = make_run(tmp_path, RecentLogHook(length=12), iterations=48)
    runner.log_processor.custom_cfg = [
        dict(data_src="loss", log_name="mean_loss", method_name="mean", window_size="global")
    ]
    runner.train()
    assert len(runner.message_hub.get_scalar(LOSS).data[0]) == 48


def test_what_the_log_averages_over_is_kept_at_least(tmp_path: Path) -> None:
    runner = train(tmp_path, RecentLogHook(length=1))
    assert len(runner.message_hub.get_scalar(LOSS).data[0]) >= runner.log_processor.window_size
