"""Memory of a training step, with activation checkpointing and with gradient accumulation."""

from __future__ import annotations

import torch

from .machine import Machine
from .memory import peak_megabytes
from .swins import ALL, Rowwise, noise_images
from .tables import Table
from .timing import interleaved


def measure(
    machine: Machine, *, size: str = "B", images: int = 2, side: int = 0, tasks: int = 4
) -> list[Table]:
    """Measure the peak memory of a training step of all tasks.

    Args:
        machine: Device and precision.
        size: One of ``SIZES``.
        images: Number of images per update.
        side: Image size in pixels; 0 for 512 on a GPU and 224 on a CPU.
        tasks: Number K of tasks.
    """
    side = side or (512 if machine.device == "cuda" else 224)
    ways = {
        "plain": (False, 1),
        "activations recomputed": (True, 1),
        f"{images} batches of 1 image accumulated": (False, images),
        "both": (True, images),
    }
    rows, plain = [], None
    for name, (recompute, batches) in ways.items():
        arguments = (size, images, side, tasks, machine.device, str(machine.dtype), recompute)
        peak = peak_megabytes(_step, machine.device, *arguments, batches)
        plain = plain or peak
        rows.append((name, round(peak), f"{peak / plain - 1:+.0%}"))
    return [
        Table(
            f"Memory of a training step, Swin-{size}, {tasks} tasks",
            ("way", "peak MiB", "more than plain"),
            rows,
            f"{images} images of {side}², all blocks conditioned, AdamW; encoder alone.",
        )
    ]


def _step(
    size: str,
    images: int,
    side: int,
    tasks: int,
    device: str,
    dtype: str,
    recompute: bool,
    batches: int,
) -> None:
    """Two steps: the optimizer's state is there from the second on."""
    machine = Machine(device, getattr(torch, dtype.removeprefix("torch.")), rounds=1)
    number = images // batches
    model = Rowwise(size, ALL, tasks=tasks, images=number, with_cp=recompute).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)

    def step() -> None:
        for _ in range(batches):
            with machine.autocast():
                maps = model(noise_images(number, side, device))
                loss = sum(out.float().square().mean() for out in maps) / batches
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    interleaved({"step": step}, rounds=1, warmup=1, wait=machine.wait)
