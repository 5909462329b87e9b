"""A training that can be stopped at any point, with a record of what it did."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

from mtlplugins.common.randomness import seeded
from mtlplugins.engine import MultiTaskRunner

SIZE = 7  # of the data set: four batches, the last of one item


class Numbers(Dataset):
    """Items that depend on their draw, and a list of those read."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def __len__(self) -> int:
        return SIZE

    def __getitem__(self, draw: int) -> dict[str, torch.Tensor]:
        self.read.append(getattr(draw, "number", int(draw)))
        with seeded(getattr(draw, "number", 0)):
            return dict(inputs=torch.rand(3) + int(draw))


class Line(BaseModel):
    """A weighted sum behind dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.3)
        self.linear = nn.Linear(3, 1)
        nn.init.constant_(self.linear.weight, 0.5)
        nn.init.zeros_(self.linear.bias)

    def forward(self, inputs: torch.Tensor, mode: str) -> Any:
        out = self.linear(self.dropout(inputs))
        return dict(loss=out.square().mean()) if mode == "loss" else list(out)


class Mean(BaseMetric):
    """The mean output, or the next of given values."""

    def __init__(self, values: list[float] | None = None) -> None:
        super().__init__()
        self.values = values

    def process(self, data_batch: Any, data_samples: list) -> None:
        self.results.extend(sample.item() for sample in data_samples)

    def compute_metrics(self, results: list) -> dict[str, float]:
        return dict(mean=self.values.pop(0) if self.values else sum(results) / len(results))


class At(Hook):
    """Do something at a point of the training, once."""

    priority = "VERY_LOW"

    def __init__(self, point: str, iteration: int, do: Callable[[], None]) -> None:
        self.point, self.iteration, self.do = point, iteration, do
        self.done = False

    def _here(self, point: str, iteration: int) -> None:
        if not self.done and (point, iteration) == (self.point, self.iteration):
            self.done = True
            self.do()

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        self._here("train", runner.iter + 1)

    def after_val_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        self._here("val", runner.iter)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._here("save", checkpoint["meta"]["iter"])


class Killed(Exception):
    """The run ends here, whatever it is doing."""


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def kill() -> None:
    raise Killed


def make_run(
    work_dir: Path,
    *hooks: Hook,
    iterations: int | None = None,
    endless: bool = True,
    workers: int = 0,
    values: list[float] | None = None,
    checkpoint: dict | None = None,
    round_up: bool = True,
    launcher: str = "none",
    **settings: Any,
) -> Runner:
    """Three epochs of four batches, or as many iterations; goes on from what is in ``work_dir``.

    Args:
        work_dir: Where it lives.
        hooks: What is done to it.
        iterations: How many; None for epochs.
        endless: Whether a loop over iterations knows no epochs.
        workers: Processes that load data.
        values: What the validations find.
        checkpoint: Changes to the checkpoint hook.
        round_up: Whether all processes validate on equally many items.
        launcher: As in a config.
        settings: Of the optimizer wrapper.
    """
    by_epoch = iterations is None
    loader = dict(batch_size=2, dataset=Numbers(), collate_fn=dict(type="default_collate"))
    sampler = dict(type="DrawSampler", shuffle=True)
    if by_epoch:
        loop = dict(by_epoch=True, max_epochs=3)
    else:
        loop = dict(type="IterBasedTrainLoop", max_iters=iterations, val_interval=4)
        sampler["endless"] = endless
    saving = dict(type="SafeCheckpointHook", by_epoch=by_epoch, interval=1 if by_epoch else 4)
    return MultiTaskRunner(
        Line(),
        str(work_dir),
        train_dataloader=dict(
            loader, sampler=sampler, num_workers=workers, persistent_workers=workers > 0
        ),
        train_cfg=loop,
        val_dataloader=dict(
            loader,
            batch_size=2 if round_up else 1,
            sampler=dict(type="DefaultSampler", shuffle=False, round_up=round_up),
        ),
        val_evaluator=[Mean(values)],
        val_cfg=dict(),
        optim_wrapper=dict(optimizer=dict(type="AdamW", lr=0.05), **settings),
        param_scheduler=dict(
            type="OneCycleLR", eta_max=0.1, total_steps=iterations or 12, by_epoch=False
        ),
        default_hooks=dict(checkpoint=dict(saving, **(checkpoint or {}))),
        custom_hooks=list(hooks),
        randomness=dict(seed=3),
        default_scope="mmseg",
        log_level="WARNING",
        resume=True,
        launcher=launcher,
    )


def weights(runner: Runner) -> list[torch.Tensor]:
    """Weights and the optimizer's state."""
    state = runner.optim_wrapper.optimizer.state_dict()["state"]
    return [
        *runner.model.state_dict().values(),
        *(value for entry in state.values() for value in entry.values()),
    ]
