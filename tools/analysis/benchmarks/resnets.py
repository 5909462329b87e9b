"""Benchmark of plain ResNets: ours (channels last) and mmseg's."""

from __future__ import annotations

from collections.abc import Callable

from mmseg.models.backbones import ResNet

from mtlplugins.models.backbones import CondResNet

from .machine import Machine, count_case_flops, inference, training_step
from .swins import noise_images
from .tables import Table
from .timing import interleaved


def measure(machine: Machine, *, depth: int = 50, images: int = 4, side: int = 224) -> list[Table]:
    """Measure the time of a prediction and a training step of both."""
    return [_compare(machine, depth, images, side, train=train) for train in (False, True)]


def _compare(machine: Machine, depth: int, images: int, side: int, *, train: bool) -> Table:
    batch = noise_images(images, side, machine.device)
    models = dict(mmseg=ResNet(depth), ours=CondResNet(depth))
    models["ours"].load_state_dict(models["mmseg"].state_dict())
    make = training_step if train else inference
    cases: dict[str, Callable[[], None]] = {}
    for name, model in models.items():
        model.to(machine.device)
        cases[name] = make(machine, model, lambda model=model: list(model(batch)))
    found = interleaved(cases, rounds=machine.rounds, wait=machine.wait)
    flops = count_case_flops(lambda: models["mmseg"](batch), train=train)
    reference = found["mmseg"].median
    rows = [
        (name, spread, reference / spread.median, machine.share(flops, spread.median))
        for name, spread in found.items()
    ]
    return Table(
        f"ResNet-{depth}, {'training step' if train else 'inference'}",
        ("encoder", "ms (quartiles)", "times as fast as mmseg's", "of the product rate"),
        rows,
        f"{images} images of {side}², {flops / 1e9:.4g} GFLOP{', AdamW' * train}.",
    )
