"""Plain Swins: ours, mmseg's and timm's."""

from __future__ import annotations

import copy
from collections.abc import Callable

import timm
from mmseg.models.backbones import SwinTransformer
from torch import nn

from mtlplugins.models.backbones import CondSwinTransformer

from .machine import Machine, count_flops, flush_denormals, inference, training_step
from .swins import SIZES, TIMM, pictures
from .tables import Table
from .timing import interleaved


def measure(
    machine: Machine,
    *,
    sizes: tuple[str, ...] = ("S",),
    images: int = 4,
    side: int = 224,
    compiled: bool = False,
) -> list[Table]:
    """Time a prediction and a training step of each encoder at each size."""
    return [
        _compare(machine, size, images=images, side=side, compiled=compiled, train=train)
        for size in sizes
        for train in (False, True)
    ]


def _compare(
    machine: Machine, size: str, *, images: int, side: int, compiled: bool, train: bool
) -> Table:
    batch = pictures(images, side, machine.device)
    theirs = SwinTransformer(**SIZES[size])
    ours = CondSwinTransformer(**SIZES[size])
    ours.load_state_dict(theirs.state_dict())
    models: dict[str, nn.Module] = {"mmseg": theirs, "ours": ours}
    if size in TIMM:
        models["timm"] = timm.create_model(TIMM[size], features_only=True, img_size=side)
    if compiled:
        models["ours, compiled"] = copy.deepcopy(ours)
        models["ours, compiled"].compile()
    cases: dict[str, Callable[[], None]] = {}
    for name, model in models.items():
        model.to(machine.device)
        outputs = lambda model=model: list(model(batch))  # noqa: E731
        make = training_step if train else inference
        cases[name] = make(machine, model, outputs)
        if name == "mmseg" and machine.device == "cpu":
            cases["mmseg, denormals flushed"] = flush_denormals(cases[name])
        if name == "ours" and train:
            twin = copy.deepcopy(model)
            cases["ours, fused optimizer"] = training_step(
                machine, twin, lambda twin=twin: list(twin(batch)), fused=True
            )
    theirs.eval()
    flops = count_flops(lambda: theirs(batch)) * (3 if train else 1)
    found = interleaved(cases, rounds=machine.rounds, wait=machine.wait)
    reference = found["mmseg"].median
    rows = [
        (name, spread, reference / spread.median, f"{flops / spread.median / machine.rate:.0%}")
        for name, spread in found.items()
    ]
    what = "training step" if train else "inference"
    return Table(
        f"Swin-{size}, {what}",
        ("encoder", "ms (quartiles)", "times as fast as mmseg's", "of the product rate"),
        rows,
        f"{images} images of {side}², {flops / 1e9:.4g} GFLOP"
        + ", AdamW." * train
        + "." * (not train),
    )
