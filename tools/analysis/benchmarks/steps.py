"""Benchmark of the training steps: all tasks together, and one after the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .machine import Machine
from .memory import peak_megabytes
from .swins import ALL, SIZES
from .tables import Table
from .training_steps import Load, Step, compare, optimizer_of

#: Step type of each case, and whether it uses activation checkpointing.
WAYS = {
    "all tasks": ("AllTasks", False),
    "task by task": ("TaskByTask", False),
    "task by task, activations recomputed": ("TaskByTask", True),
}


def measure(
    machine: Machine, load: Load, *, peak: Callable[..., float] = peak_megabytes
) -> list[Table]:
    """Compare the steps for plans that condition all blocks, and the last of two stages."""
    return [
        compare(
            machine,
            f"Training steps, Swin-{load.size}, plan {name}",
            {way: partial(_step, machine, load, way, plan) for way in WAYS},
            note=str(load),
            peak=peak,
        )
        for name, plan in {"all": ALL, "0-0-6-2": _last_blocks(load.size)}.items()
    ]


def _last_blocks(size: str) -> dict[str, Any]:
    *_, third, last = SIZES[size]["depths"]
    return dict.fromkeys(ALL, (0, 0, min(6, third), min(2, last)))


def _step(machine: Machine, load: Load, way: str, plan: dict) -> Step:
    kind, recompute = WAYS[way]
    model = load.model(machine, plan, with_cp=recompute, step=dict(type=kind))
    optimizer, batch = optimizer_of(model, machine), load.batch(machine)
    return lambda: model.train_step(batch, optimizer)
