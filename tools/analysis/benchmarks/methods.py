"""Benchmark of balancing methods: fixed weights, our UPGrad and TorchJD's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor

from mtlplugins.engine.speed import Bf16OptimWrapper
from mtlplugins.models import MultiTaskModel

from .machine import Machine
from .memory import peak_megabytes
from .steps import batch, conditioned_model
from .swins import ALL
from .tables import Table
from .timing import interleaved

OURS: dict[str, dict[str, Any]] = {
    "fixed, all tasks": dict(step=dict(type="AllTasks")),
    "fixed, task by task": dict(step=dict(type="TaskByTask")),
    "UPGrad at parameters": dict(step=dict(type="TaskByTask"), balancing=dict(type="UPGrad")),
}
TORCHJD = "TorchJD's mtl_backward and UPGrad"


def measure(
    machine: Machine,
    *,
    size: str = "S",
    images: int = 2,
    side: int = 0,
    tasks: int = 4,
    peak: Callable[..., float] = peak_megabytes,
) -> list[Table]:
    """Compare a training step of fixed weights, of our UPGrad, and of TorchJD's, plan all.

    Args:
        machine: Device and precision.
        size: One of ``SIZES``.
        images: Images per batch, each with a target of each task.
        side: Image size in pixels; 0 for 512 on a GPU and 224 on a CPU.
        tasks: Number K of tasks.
        peak: Function that measures the memory of a step.
    """
    side = side or (512 if machine.device == "cuda" else 224)
    settings = (size, images, side, tasks)
    names = (*OURS, TORCHJD)
    cases = {name: _step(machine, name, *settings) for name in names}
    times = interleaved(cases, rounds=machine.rounds, wait=machine.wait)
    del cases
    peaks = {name: peak(_alone, machine.device, machine, name, *settings) for name in names}
    first = names[0]
    rows = [
        (
            name,
            times[name],
            f"{times[name].median / times[first].median:.2f}",
            round(peaks[name]),
            f"{peaks[name] / peaks[first]:.2f}",
        )
        for name in names
    ]
    columns = ("method", "ms (quartiles)", "time", "peak MiB", "memory")
    note = (
        f"{images} images of {side}², {tasks} tasks with a decoder each, AdamW; time and memory as "
        "parts of the first row's, weights and optimizer included. TorchJD's takes the encoder's "
        "maps of all rows as features, one task at a time (parallel_chunk_size=1)."
    )
    return [Table(f"Balancing by gradients, Swin-{size}, plan all", columns, rows, note)]


def _step(
    machine: Machine, name: str, size: str, images: int, side: int, tasks: int
) -> Callable[[], object]:
    model = conditioned_model(machine, size, ALL, tasks, **OURS.get(name, {}))
    data = batch(machine, images, side, tasks)
    mixed = machine.dtype is not torch.float32
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
    wrapper = (Bf16OptimWrapper if mixed else OptimWrapper)(optimizer)
    if name in OURS:
        return lambda: model.train_step(data, wrapper)
    return lambda: _torchjd_step(model, data, wrapper)


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


def _alone(machine: Machine, *arguments: Any) -> None:
    """Two steps: the optimizer's state is there from the second on."""
    interleaved({"": _step(machine, *arguments)}, rounds=1, warmup=1, wait=machine.wait)
