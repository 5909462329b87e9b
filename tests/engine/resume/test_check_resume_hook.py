"""Resuming with other settings is refused; with the same ones it is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.runner import Runner

from mtlplugins.engine import CheckResumeHook
from tests.engine.resume._stopping import At, Killed, kill, make_run

OPTIMIZER = dict(type="AdamW", lr=0.05)


def resumed(work_dir: Path, change: Callable[[Runner], Any], *, schedule: bool = True) -> Runner:
    """Train two epochs and a bit of the third, and go on with something changed."""
    for hooks in ((CheckResumeHook(), At("train", 9, kill)), (CheckResumeHook(),)):
        runner = make_run(work_dir, *hooks)
        if not schedule:
            runner.param_schedulers = None
        if len(hooks) == 1:
            change(runner)
            runner.train()
            return runner
        with pytest.raises(Killed):
            runner.train()
    raise AssertionError


def optimizer(**settings: Any) -> Callable[[Runner], Any]:
    return lambda runner: runner.optim_wrapper.update(optimizer=dict(OPTIMIZER, **settings))


def schedule(**settings: Any) -> Callable[[Runner], Any]:
    return lambda runner: runner.param_schedulers.update(settings)


def loader(**settings: Any) -> Callable[[Runner], Any]:
    return lambda runner: runner._train_dataloader.update(settings)


class Double:
    """A data set twice as long."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __len__(self) -> int:
        return 2 * len(self.data)

    def __getitem__(self, draw: int) -> Any:
        return self.data[draw]


def twice_the_data(runner: Runner) -> None:
    runner._train_dataloader["dataset"] = Double(runner._train_dataloader["dataset"])


def longer(runner: Runner) -> None:
    runner._train_loop["max_epochs"] = 5
    runner.param_schedulers["total_steps"] = 20


REFUSED = {
    "a longer one-cycle schedule": (
        longer,
        "train_cfg.max_epochs is 5, was 3, param_scheduler.0.total_steps is 20, was 12",
    ),
    "another learning rate": (schedule(eta_max=0.2), "param_scheduler.0.eta_max is 0.2, was 0.1"),
    "another shape of the schedule": (schedule(pct_start=0.5), "param_scheduler.0._schedule_phase"),
    "another schedule": (
        lambda runner: setattr(
            runner, "param_schedulers", dict(type="CosineAnnealingLR", T_max=12, by_epoch=False)
        ),
        "param_scheduler.0.type differs",
    ),
    "no schedule": (
        lambda runner: setattr(runner, "param_schedulers", None),
        "param_scheduler has 0 schedules, had 1.",
    ),
    "another weight decay": (
        optimizer(weight_decay=0.5),
        "optim_wrapper.optimizer.weight_decay is 0.5, was 0.01.",
    ),
    "another optimizer": (
        optimizer(type="SGD", momentum=0.9),
        "optim_wrapper.optimizer.type differs.",
    ),
    "other groups of weights": (
        lambda runner: runner.optim_wrapper.update(paramwise_cfg=dict(bias_lr_mult=2.0)),
        "optim_wrapper.paramwise_cfg groups the weights differently.",
    ),
    "smaller batches": (
        loader(batch_size=1),
        "the batch size of all processes is 1, was 2, the number of batches in an epoch is 7, "
        "was 4",
    ),
    "more data": (twice_the_data, "the number of batches in an epoch is 7, was 4"),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_a_change_that_the_checkpoint_would_undo_is_refused(
    tmp_path: Path, change: Callable[[Runner], Any], words: str
) -> None:
    with pytest.raises(ValueError, match="the run to resume had other settings") as refused:
        resumed(tmp_path, change)
    said = str(refused.value)
    assert f"other settings: {words}" in said
    assert "Give the old ones" in said
    assert "load_from=CHECKPOINT and another --work-dir, without --resume" in said


def test_without_a_schedule_the_learning_rate_is_the_optimizers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"settings: optim_wrapper.optimizer.lr is 0.1, was 0.05"):
        resumed(tmp_path, optimizer(lr=0.1), schedule=False)


def test_without_a_schedule_a_run_may_become_longer(tmp_path: Path) -> None:
    def more(runner: Runner) -> None:
        runner._train_loop["max_epochs"] = 4

    runner = resumed(tmp_path, more, schedule=False)
    assert runner.iter == 16
    assert runner.optim_wrapper.get_lr()["lr"] == [0.05]


HARMLESS = {
    "nothing": lambda runner: None,
    "workers": loader(num_workers=1),
    "how the optimizer computes": optimizer(foreach=False),
    "clipped gradients": lambda runner: runner.optim_wrapper.update(clip_grad=dict(max_norm=9.0)),
    "mixed precision": lambda runner: runner.optim_wrapper.update(type="Bf16OptimWrapper"),
    "validation": lambda runner: runner._train_loop.update(val_interval=2),
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_other_changes_are_not(tmp_path: Path, change: Callable[[Runner], Any]) -> None:
    runner = resumed(tmp_path, change)
    assert runner.iter == 12
    runner.train_dataloader._iterator = None


def test_a_checkpoint_of_before_is_taken(tmp_path: Path) -> None:
    """One that does not note its batches."""

    def forget(runner: Runner) -> None:
        state = torch.load(tmp_path / "epoch_2.pth", weights_only=False)
        assert list(state["meta"].pop("sizes").values()) == [2, 4]
        torch.save(state, tmp_path / "epoch_2.pth")

    assert resumed(tmp_path, forget).iter == 12


@pytest.mark.parametrize("part", ["meta", "message_hub", "optimizer"])
def test_a_checkpoint_without_training_state_is_refused(tmp_path: Path, part: str) -> None:
    def lose(runner: Runner) -> None:
        state = torch.load(tmp_path / "epoch_2.pth", weights_only=False)
        del state[part]
        torch.save(state, tmp_path / "epoch_2.pth")

    words = (
        rf"epoch_2.pth is not a checkpoint that a run can resume from: it has no {part}\. .*move it"
    )
    with pytest.raises(ValueError, match=words):
        resumed(tmp_path, lose)
