"""Benchmark of a whole training: two tasks at once against a network with mmseg's encoder for each.

Everything that a run does counts: input, encoder, decoders, losses, optimizer, hooks and the log.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmseg.registry import RUNNERS
from torch import nn

from mtlplugins.apis import load_config
from mtlplugins.models.layers import Linear

from .machine import Machine
from .tables import Table
from .timing import Spread

ROOT = Path(__file__).resolve().parents[3]
CONFIG = "configs/swin_cond_nyuv2.py"
_SKIPPED = 2  # iterations at the start


class Clock(Hook):
    """Hook that notes when each iteration has ended."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.ends: list[float] = []

    def after_train_iter(self, *_: Any, **__: Any) -> None:
        """Note the time."""
        self.machine.wait()
        self.ends.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        """Mean time of an iteration, without the first ones."""
        return mean(end - begin for begin, end in pairwise(self.ends[_SKIPPED:]))


def measure(
    machine: Machine,
    *,
    config: str = CONFIG,
    tasks: tuple[str, str] = ("semantic", "depth"),
    images: int = 4,
    side: int = 224,
    iterations: int = 12,
    options: dict[str, Any] | None = None,
    data: str | None = None,
) -> list[Table]:
    """Train on the tasks together and one after the other, in turns.

    Args:
        machine: Device, precision, and how often each training is repeated.
        config: The config of all tasks.
        tasks: The two tasks.
        images: Images of a batch.
        side: Side of an image of rendered rooms, which the network gets as they are.
        iterations: Iterations of a training; the first two do not count.
        options: Other values of the config.
        data: Root of the config's own data, which are used instead of rendered rooms.
    """
    settings = dict(images=images, side=side, iterations=iterations, data=data, options=options)
    cases = {"ours, both tasks": (tasks, False)}
    cases |= {f"mmseg's encoder, {task}": ((task,), True) for task in tasks}
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(machine.rounds):
        for name, (asked, theirs) in cases.items():
            seconds[name].append(_train(machine, config, asked, theirs=theirs, **settings))
    return [table(seconds, images, f"{config}, {_described(images, side, data)}")]


def table(seconds: dict[str, list[float]], images: int, note: str) -> Table:
    """Make the table of the mean times of an iteration, by training; the first is of all tasks."""
    _, *others = seconds
    after = [sum(each) for each in zip(*(seconds[name] for name in others), strict=True)]
    spreads = {name: Spread.of(values) for name, values in seconds.items()}
    spreads["mmseg's encoder, one after the other"] = Spread.of(after)
    reference = spreads["mmseg's encoder, one after the other"].median
    rows = [
        (
            name,
            spread,
            images / spread.median,
            reference / spread.median if name not in others else "–",
        )
        for name, spread in spreads.items()
    ]
    columns = ("training", "ms an iteration (quartiles)", "images a second", "times as fast")
    return Table("Whole training of two tasks", columns, rows, note)


def _described(images: int, side: int, data: str | None) -> str:
    source = "the config's data" if data else f"rendered rooms of {side}²"
    return (
        f"{images} images a batch, {source}; mmseg's SwinTransformer with PyTorch's linear layers "
        "and AdamW, and our decoders, heads and input."
    )


def _train(machine: Machine, config: str, tasks: tuple[str, ...], **settings: Any) -> float:
    """Train a few iterations; return the mean seconds of one."""
    clock = Clock(machine)
    with tempfile.TemporaryDirectory() as folder:
        cfg = _config(machine, config, tasks, Path(folder), **settings)
        with Path(folder, "log.txt").open("w") as log, redirect_stdout(log), redirect_stderr(log):
            runner = RUNNERS.build(cfg)
            if settings["theirs"]:
                for layer in runner.model.backbone.modules():
                    if type(layer) is Linear:
                        layer.__class__ = nn.Linear
            runner.register_hook(clock, priority="VERY_LOW")
            runner.train()
    return clock.seconds


def _config(
    machine: Machine,
    config: str,
    tasks: tuple[str, ...],
    folder: Path,
    *,
    theirs: bool,
    images: int,
    side: int,
    iterations: int,
    data: str | None,
    options: dict[str, Any] | None,
) -> Config:
    options = {"tasks": tasks, **(options or {})} | ({"data_root": data} if data else {})
    cfg = load_config(str(ROOT / config), options)
    if not data:
        pipeline = [dict(type="MultiTaskRandomFlip"), dict(type="PackMultiTask")]
        cfg.train_dataloader.dataset = dict(
            type="RoomsDataset",
            tasks=tasks,
            length=images * iterations,
            size=(side, side),
            pipeline=pipeline,
        )
    cfg.train_dataloader.batch_size = images
    cfg.train_cfg = dict(by_epoch=True, max_epochs=1, val_interval=10)
    cfg.param_scheduler = []
    for name in ("dataloader", "cfg", "evaluator"):
        cfg[f"val_{name}"] = cfg[f"test_{name}"] = None
    cfg.model.backbone.init_cfg = None
    if theirs:
        cfg.model.backbone.pop("plan", None)
        cfg.model.backbone.type = "SwinTransformer"
        cfg.optim_wrapper.optimizer.pop("fused", None)
    if machine.dtype is torch.bfloat16:
        cfg.optim_wrapper.type = "Bf16OptimWrapper"
    cfg.work_dir = str(folder)
    cfg.setdefault("runner_type", "MultiTaskRunner")
    return cfg
