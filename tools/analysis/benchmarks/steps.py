"""Benchmark of the training steps: all tasks together, and one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData

from mtlplugins.engine.speed import Bf16OptimWrapper
from mtlplugins.models import MultiTaskModel
from mtlplugins.structures import MultiTaskDataSample

from .machine import Machine
from .memory import peak_megabytes
from .swins import ALL, SIZES, noise_images
from .tables import Table
from .timing import interleaved

#: Step type of each case, and whether it uses activation checkpointing.
WAYS = {
    "all tasks": ("AllTasks", False),
    "task by task": ("TaskByTask", False),
    "task by task, activations recomputed": ("TaskByTask", True),
}


def measure(
    machine: Machine,
    *,
    size: str = "B",
    images: int = 2,
    side: int = 0,
    tasks: int = 4,
    peak: Callable[..., float] = peak_megabytes,
) -> list[Table]:
    """Compare the steps for plans that condition all blocks, and the last of two stages.

    Args:
        machine: Device and precision.
        size: One of ``SIZES``.
        images: Images per batch, each with a target of each task.
        side: Image size in pixels; 0 for 512 on a GPU and 224 on a CPU.
        tasks: Number K of tasks.
        peak: Function that measures the memory of a step.
    """
    side = side or (512 if machine.device == "cuda" else 224)
    tables = []
    for name, plan in {"all": ALL, "0-0-6-2": _last_blocks(size)}.items():
        settings = (size, plan, images, side, tasks)
        cases = {way: _step(machine, way, *settings) for way in WAYS}
        times = interleaved(cases, rounds=machine.rounds, wait=machine.wait)
        del cases
        arguments = {way: (machine, way, *settings) for way in WAYS}
        peaks = {way: peak(_alone, machine.device, *given) for way, given in arguments.items()}
        first = next(iter(WAYS))
        rows = [
            (
                way,
                times[way],
                f"{times[way].median / times[first].median:.2f}",
                round(peaks[way]),
                f"{peaks[way] / peaks[first]:.2f}",
            )
            for way in WAYS
        ]
        columns = ("step", "ms (quartiles)", "time", "peak MiB", "memory")
        note = (
            f"{images} images of {side}², {tasks} tasks with a decoder each, AdamW; time and "
            "memory as parts of the first row's, weights and optimizer included."
        )
        tables.append(Table(f"Training steps, Swin-{size}, plan {name}", columns, rows, note))
    return tables


def _last_blocks(size: str) -> dict[str, Any]:
    *_, third, last = SIZES[size]["depths"]
    return dict.fromkeys(ALL, (0, 0, min(6, third), min(2, last)))


def conditioned_model(
    machine: Machine, size: str, plan: dict, tasks: int, *, with_cp: bool = False, **settings: Any
) -> MultiTaskModel:
    """Make a model of K segmentation tasks, ready to be trained."""
    encoder = SIZES[size]
    channels = [encoder["embed_dims"] * 2**i for i in range(4)]
    names = [f"task{k}" for k in range(tasks)]
    decoder = dict(type="ConvUNetDecoder", in_channels=channels, channels=(64, 64, 64))
    head = dict(type="SegmentationHead", in_channels=64, num_classes=13)
    model = MultiTaskModel(
        dict(type="CondSwinTransformer", plan=plan, with_cp=with_cp, **encoder),
        dict.fromkeys(names, head),
        dict.fromkeys(names, decoder),
        **settings,
    )
    return model.to(machine.device).train()


def batch(machine: Machine, images: int, side: int, tasks: int) -> dict[str, Any]:
    """Make images of noise, each with a target of each task."""
    labels = torch.zeros(1, side, side, dtype=torch.int64, device=machine.device)
    sample = MultiTaskDataSample()
    for k in range(tasks):
        setattr(sample, f"gt_task{k}", PixelData(data=labels))
    return dict(inputs=noise_images(images, side, machine.device), data_samples=[sample] * images)


def _step(
    machine: Machine, way: str, size: str, plan: dict, images: int, side: int, tasks: int
) -> Callable[[], object]:
    kind, recompute = WAYS[way]
    model = conditioned_model(machine, size, plan, tasks, with_cp=recompute, step=dict(type=kind))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
    mixed = machine.dtype is not torch.float32
    wrapper = (Bf16OptimWrapper if mixed else OptimWrapper)(optimizer)
    data = batch(machine, images, side, tasks)
    return lambda: model.train_step(data, wrapper)


def _alone(*arguments: Any) -> None:
    """Two steps: the optimizer's state is there from the second on."""
    machine = arguments[0]
    interleaved({"": _step(*arguments)}, rounds=1, warmup=1, wait=machine.wait)
