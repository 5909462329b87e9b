"""Benchmark of balancing methods: fixed weights, our UPGrad and TorchJD's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mmengine.optim import OptimWrapper
from torch import Tensor

from mtlplugins.models import MultiTaskModel

from .machine import Machine
from .memory import peak_megabytes
from .swins import ALL
from .tables import Table
from .training_steps import Load, Step, compare, optimizer_of

OURS: dict[str, dict[str, Any]] = {
    "fixed, all tasks": dict(step=dict(type="AllTasks")),
    "fixed, task by task": dict(step=dict(type="TaskByTask")),
    "UPGrad at parameters": dict(step=dict(type="TaskByTask"), balancing=dict(type="UPGrad")),
}
TORCHJD = "TorchJD's mtl_backward and UPGrad"


def measure(
    machine: Machine, load: Load, *, peak: Callable[..., float] = peak_megabytes
) -> list[Table]:
    """Compare a training step of fixed weights, of our UPGrad, and of TorchJD's, plan all."""
    table = compare(
        machine,
        f"Balancing by gradients, Swin-{load.size}, plan all",
        {name: partial(_step, machine, load, name) for name in (*OURS, TORCHJD)},
        note=f"{load} TorchJD's takes the encoder's maps of all rows as features, one task at a "
        "time (parallel_chunk_size=1).",
        peak=peak,
    )
    return [table]


def _step(machine: Machine, load: Load, name: str) -> Step:
    model = load.model(machine, ALL, **OURS.get(name, {}))
    optimizer, batch = optimizer_of(model, machine), load.batch(machine)
    if name in OURS:
        return lambda: model.train_step(batch, optimizer)
    return lambda: _torchjd_step(model, batch, optimizer)


def _torchjd_step(model: MultiTaskModel, data: dict[str, Any], wrapper: OptimWrapper) -> None:
    from torchjd.aggregation import UPGrad
    from torchjd.autojac import jac_to_grad, mtl_backward

    maps: list[Tensor] = []
    handle = model.backbone.register_forward_hook(lambda *found: maps.extend(found[-1]))
    with wrapper.optim_context(model):
        losses = model.loss(**model.data_preprocessor(data, True))
    handle.remove()
    shared = [*model.backbone.parameters(), *model.task_embedding.parameters()]
    mtl_backward(
        [losses[f"{task}_loss"] for task in model.trained_tasks],
        features=maps,
        tasks_params=[
            [p for m in model.modules_of(task) for p in m.parameters()]
            for task in model.trained_tasks
        ],
        shared_params=shared,
        parallel_chunk_size=1,
    )
    jac_to_grad(shared, UPGrad())
    wrapper.step()
    wrapper.zero_grad()
