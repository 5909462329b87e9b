"""Old values of logged scalars are dropped once nothing needs them."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner

from mtlplugins.engine import RecentLogHook
from tests.engine.resume._stopping import At, make_run, terminate

LOSS = "train/loss"


class Held(Hook):
    """What a run holds at the end of each epoch."""

    priority = "LOWEST"

    def __init__(self) -> None:
        self.objects: list[int] = []
        self.numbers: list[int] = []  # in the longest history

    def after_val_epoch(self, runner: Runner, metrics: Any = None) -> None:
        gc.collect()
        self.objects.append(len(gc.get_objects()))
        histories = runner.message_hub.log_scalars.values()
        self.numbers.append(max(len(history.data[0]) for history in histories))


@pytest.fixture
def without_older_objects() -> Iterator[None]:
    """Let the garbage collector look at what a test makes, and not at all that was imported."""
    gc.freeze()
    yield
    gc.unfreeze()


def train(work_dir: Path, *hooks: Hook) -> Runner:
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


def test_no_history_of_a_long_run_takes_more_than_32_kilobytes(tmp_path: Path) -> None:
    class Long(Hook):
        def before_train(self, runner: Runner) -> None:
            old = HistoryBuffer(np.zeros(20_000), np.ones(20_000, int))  # of a checkpoint, say
            runner.message_hub.log_scalars[LOSS] = old

    buffer = train(tmp_path, Long(), RecentLogHook()).message_hub.get_scalar(LOSS)
    assert sum(part.nbytes for part in buffer.data) <= 2**15


@pytest.mark.usefixtures("without_older_objects")
def test_a_run_holds_no_more_at_its_end_than_in_its_middle(tmp_path: Path) -> None:
    held = Held()
    saving = dict(max_keep_ckpts=2, save_best="mean", rule="less")
    run = make_run(tmp_path, RecentLogHook(length=10), held, iterations=160, checkpoint=saving)
    run.train()
    assert len(held.objects) == 40
    # one more of them an epoch would be 20; a few come and go
    assert held.objects[-1] - held.objects[19] < 10
    assert max(held.numbers) <= 20 + 4  # a validation's four are shortened behind the next batch
