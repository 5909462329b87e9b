"""Training steps of a conditioned model, compared in time and peak memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData

from mtlplugins.engine.speed import Bf16OptimWrapper
from mtlplugins.models import MultiTaskModel
from mtlplugins.structures import MultiTaskDataSample

from .machine import Machine
from .memory import peak_megabytes
from .swins import SIZES, noise_images
from .tables import Table
from .timing import Spread, interleaved

Step = Callable[[], object]


@dataclass(frozen=True)
class Load:
    """What a training step works on.

    Attributes:
        size: One of ``SIZES``.
        images: Images per batch, each with a target of each task.
        side: Image size in pixels.
        tasks: Number K of tasks.
    """

    size: str
    images: int = 2
    side: int = 224
    tasks: int = 4

    @classmethod
    def usual(cls, machine: Machine, size: str, tasks: int = 4, *, full: bool = False) -> Load:
        """Return two images of 512² on a GPU or where ``full``, of 224² on a CPU."""
        return cls(size, side=512 if full or machine.device == "cuda" else 224, tasks=tasks)

    def model(self, machine: Machine, plan: dict, **settings: Any) -> MultiTaskModel:
        """Make a model of K segmentation tasks, ready to be trained."""
        encoder = dict(type="CondSwinTransformer", plan=plan, **SIZES[self.size])
        encoder["with_cp"] = settings.pop("with_cp", False)
        channels = [encoder["embed_dims"] * 2**i for i in range(4)]
        names = [f"task{k}" for k in range(self.tasks)]
        decoder = dict(type="ConvUNetDecoder", in_channels=channels, channels=(64, 64, 64))
        head = dict(type="SegmentationHead", in_channels=64, num_classes=13)
        heads, decoders = dict.fromkeys(names, head), dict.fromkeys(names, decoder)
        model = MultiTaskModel(encoder, heads, decoders, **settings).train()
        # what has no data cannot be moved, not even to where it is
        return model if machine.device == "cpu" else model.to(machine.device)

    def batch(self, machine: Machine) -> dict[str, Any]:
        """Make images of noise, each with a target of each task."""
        labels = torch.zeros(1, self.side, self.side, dtype=torch.int64, device=machine.device)
        sample = MultiTaskDataSample()
        for k in range(self.tasks):
            setattr(sample, f"gt_task{k}", PixelData(data=labels))
        images = noise_images(self.images, self.side, machine.device)
        return dict(inputs=images, data_samples=[sample] * self.images)

    def __str__(self) -> str:
        return (
            f"{self.images} images of {self.side}², {self.tasks} tasks with a decoder each, AdamW; "
            "time and memory as parts of the first row's, weights and optimizer included."
        )


def optimizer_of(model: MultiTaskModel, machine: Machine) -> OptimWrapper:
    """Make the optimizer of a model, in the machine's precision."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
    mixed = machine.dtype is not torch.float32
    return (Bf16OptimWrapper if mixed else OptimWrapper)(optimizer)


def compare(
    machine: Machine,
    title: str,
    steps: Mapping[str, Callable[[], Step]],
    *,
    note: str,
    peak: Callable[..., float] = peak_megabytes,
) -> Table:
    """Measure steps in turns, and the peak memory of each in a process of its own.

    With no rounds, the memory alone, which does not depend on what else the machine does.

    Args:
        machine: Device and precision.
        title: Title of the table.
        steps: Function that makes each step; can be pickled.
        note: What the steps work on.
        peak: Function that measures the memory of a step.
    """
    times: dict[str, Spread] = {}
    if machine.rounds:
        cases = {name: make() for name, make in steps.items()}
        times = interleaved(cases, rounds=machine.rounds, wait=machine.wait)
        del cases
    peaks = {name: peak(_twice, machine.device, make) for name, make in steps.items()}
    first = next(iter(steps))
    rows = [
        (
            name,
            times.get(name, "–"),
            f"{times[name].median / times[first].median:.2f}" if times else "–",
            round(peaks[name]),
            f"{peaks[name] / peaks[first]:.2f}",
        )
        for name in steps
    ]
    return Table(title, ("step", "ms (quartiles)", "time", "peak MiB", "memory"), rows, note)


def _twice(make: Callable[[], Step]) -> None:
    """Run a step twice: the optimizer's state is there from the second on."""
    step = make()
    for _ in range(2):
        step()
