"""Benchmark of several tasks: rows against full passes, and the cost of conditioning."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from torch import nn

from mtlplugins.models.backbones import CondSwinTransformer
from mtlplugins.models.conditioning import TaskEmbedding

from .machine import Machine, count_case_flops, count_flops, inference, training_step
from .memory import peak_megabytes
from .naive_swin import NaiveCondSwin
from .swins import ALL, SIZES, Rowwise, noise_images, third_stage
from .tables import Table
from .timing import interleaved

Outputs = Callable[[], list]
RATE = "of the product rate"
PASSES = "a pass for each task"


def measure_tasks(
    machine: Machine,
    *,
    size: str = "S",
    images: int = 2,
    side: int = 224,
    numbers: tuple[int, ...] = (1, 2, 4),
    peak: Callable[..., float] = peak_megabytes,
) -> list[Table]:
    """Measure K tasks: a pass per task (thesis), our rows, and rows from the third stage on."""
    tables = []
    for train in (False, True):
        rows = []
        for tasks in numbers:
            batch = noise_images(images, side, machine.device)
            models = {
                name: make(size, tasks=tasks, images=images).to(machine.device)
                for name, make in WAYS.items()
            }
            found = _time(machine, models, batch, train=train)
            reference = found[PASSES].median
            for name, spread in found.items():
                flops = count_case_flops(lambda: models[name](batch), train=train)  # noqa: B023
                share = machine.share(flops, spread.median)
                arguments = (machine, name, size, images, side, tasks, train)
                megabytes = round(peak(_alone, machine.device, *arguments))
                rows.append((tasks, name, spread, reference / spread.median, share, megabytes))
        tables.append(
            Table(
                f"K tasks, Swin-{size}, {_what(train)}",
                (
                    *("K", "way", "ms (quartiles)"),
                    *(f"times as fast as {PASSES}", RATE, "peak MiB"),
                ),
                rows,
                _note(images, side, "attention, LayerNorm and adapters conditioned", train),
            )
        )
    return tables


def measure_price(
    machine: Machine, *, size: str = "S", images: int = 2, side: int = 224, tasks: int = 2
) -> list[Table]:
    """Measure the cost of conditional modules, against as many rows without them."""
    tables = []
    for train in (False, True):
        batch = noise_images(images, side, machine.device)
        every_row = noise_images(images * tasks, side, machine.device)
        plain = CondSwinTransformer(**SIZES[size]).to(machine.device)
        outputs = {"none": lambda: list(plain(every_row))}  # noqa: B023
        steps = {"none": _case(machine, plain, outputs["none"], train)}
        for name, plan in {
            "attention": dict(attention="all"),
            "LayerNorm": dict(norm="all"),
            "adapters": dict(adapter="all"),
            "all three": ALL,
        }.items():
            model = Rowwise(size, plan, tasks=tasks, images=images).to(machine.device)
            outputs[name] = lambda model=model: model(batch)  # noqa: B023
            steps[name] = _case(machine, model, outputs[name], train)
        found = interleaved(steps, rounds=machine.rounds, wait=machine.wait)
        reference = found["none"].median
        flops = {name: count_case_flops(forward, train=train) for name, forward in outputs.items()}
        tables.append(
            Table(
                f"Cost of conditioning, Swin-{size}, {_what(train)}",
                ("conditioned", "ms (quartiles)", "more than without", RATE),
                [
                    (n, s, f"{s.median / reference - 1:+.1%}", machine.share(flops[n], s.median))
                    for n, s in found.items()
                ],
                _note(images, side, f"{tasks} tasks, all blocks", train),
            )
        )
    return tables


def measure_plan(
    machine: Machine, *, size: str = "S", images: int = 2, side: int = 224, tasks: int = 4
) -> list[Table]:
    """Measure the savings of the shared part, beside the prediction from its FLOPs."""
    batch = noise_images(images, side, machine.device)
    models = {
        "all": Rowwise(size, ALL, tasks=tasks, images=images).to(machine.device),
        "stage 3 on": Rowwise(size, third_stage(size), tasks=tasks, images=images).to(
            machine.device
        ),
    }
    flops = [count_flops(lambda model=model: model(batch)) for model in models.values()]
    rows = []
    for train in (False, True):
        found = _time(machine, models, batch, train=train)
        full, late = (spread.median for spread in found.values())
        rows.append((_what(train), *found.values(), full / late, flops[0] / flops[1]))
    return [
        Table(
            f"Plan 0-0-n-0 against all, Swin-{size}, K = {tasks}",
            ("", "all, ms", "from stage 3 on, ms", "ratio", "ratio of operations"),
            rows,
            _note(images, side, "attention, LayerNorm and adapters conditioned", train=True),
        )
    ]


def measure_folded(
    machine: Machine, *, size: str = "S", images: int = 2, side: int = 224
) -> list[Table]:
    """Measure a folded encoder against a plain one."""
    batch = noise_images(images, side, machine.device)
    plain = CondSwinTransformer(**SIZES[size]).to(machine.device)
    cases = {"plain": inference(machine, plain, lambda: plain(batch))}
    for name, plan in {
        "folded attention and LayerNorm": dict(attention="all", norm="all"),
        "folded with adapters": ALL,
    }.items():
        model = Rowwise(size, plan, tasks=1, images=images).to(machine.device)
        folded = copy.deepcopy(model.encoder)
        folded.fold(model.embedding["task0"])
        cases[name] = inference(machine, folded, lambda folded=folded: folded(batch))
    found = interleaved(cases, rounds=machine.rounds, wait=machine.wait)
    reference = found["plain"].median
    return [
        Table(
            f"Folded for one task, Swin-{size}, inference",
            ("encoder", "ms (quartiles)", "more than the plain one"),
            [(n, s, f"{s.median / reference - 1:+.1%}") for n, s in found.items()],
            _note(images, side, "one task", train=False),
        )
    ]


WAYS: dict[str, Callable[..., nn.Module]] = {
    PASSES: lambda size, **settings: _Naive(size, **settings),
    "rows": lambda size, **settings: Rowwise(size, ALL, **settings),
    "rows from stage 3 on": lambda size, **settings: Rowwise(size, third_stage(size), **settings),
}


def _alone(
    machine: Machine, way: str, size: str, images: int, side: int, tasks: int, train: bool
) -> None:
    """Do a case twice: an optimizer's state is there from the second step on."""
    batch = noise_images(images, side, machine.device)
    model = WAYS[way](size, tasks=tasks, images=images).to(machine.device)
    case = _case(machine, model, lambda: model(batch), train)
    for _ in range(2):
        case()


class _Naive(nn.Module):
    """Case of the thesis: one full pass per task."""

    def __init__(self, size: str, *, tasks: int, images: int) -> None:
        super().__init__()
        self.encoder = NaiveCondSwin(ALL, **SIZES[size])
        names = [f"task{k}" for k in range(tasks)]
        self.embedding = TaskEmbedding(names, self.encoder.task_embed_dims)

    def forward(self, images: Any) -> list:
        z = self.embedding(self.embedding.tasks)
        return [out for maps in self.encoder.passes(images, z) for out in maps]


def _case(machine: Machine, model: nn.Module, outputs: Outputs, train: bool) -> Outputs:
    return (training_step if train else inference)(machine, model, outputs)


def _time(machine: Machine, models: dict[str, nn.Module], batch: Any, *, train: bool) -> dict:
    cases = {
        name: _case(machine, model, lambda model=model: model(batch), train)
        for name, model in models.items()
    }
    return interleaved(cases, rounds=machine.rounds, wait=machine.wait)


def _what(train: bool) -> str:
    return "training step" if train else "inference"


def _note(images: int, side: int, what: str, train: bool) -> str:
    return f"{images} images of {side}²; {what}{'; AdamW' if train else ''}."
