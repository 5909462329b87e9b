"""Benchmark of plain Swin encoders: ours, mmseg's and timm's."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack

import timm
from mmseg.models.backbones import SwinTransformer
from torch import nn

from mtlplugins.models.backbones import CondSwinTransformer

from .flush_denormals import Flushed
from .machine import Machine, count_case_flops, inference, training_step
from .memory import peak_megabytes
from .swins import SIZES, TIMM, noise_images
from .tables import Table
from .timing import interleaved


def measure(
    machine: Machine,
    *,
    sizes: tuple[str, ...] = ("S",),
    images: int = 4,
    side: int = 224,
    compiled: bool = False,
    peak: Callable[..., float] = peak_megabytes,
) -> list[Table]:
    """Measure time and memory of prediction and training step, by encoder and size."""
    tables = []
    for size in sizes:
        with ExitStack() as stack:
            flushed = None
            if machine.device == "cpu":
                arguments = (machine, size, images, side)
                flushed = stack.enter_context(Flushed(_mmseg_cases, *arguments))
            settings = dict(images=images, side=side, compiled=compiled, flushed=flushed, peak=peak)
            tables += [_compare(machine, size, train=train, **settings) for train in (False, True)]
    return tables


def build(name: str, size: str, side: int) -> nn.Module:
    """Build an encoder by its name in the tables."""
    if name == "timm":
        return timm.create_model(TIMM[size], features_only=True, img_size=side)
    return {"mmseg": SwinTransformer, "ours": CondSwinTransformer}[name](**SIZES[size])


def _compare(
    machine: Machine,
    size: str,
    *,
    images: int,
    side: int,
    compiled: bool,
    flushed: Flushed | None,
    peak: Callable[..., float],
    train: bool,
) -> Table:
    batch = noise_images(images, side, machine.device)
    theirs, ours = build("mmseg", size, side), build("ours", size, side)
    ours.load_state_dict(theirs.state_dict())
    models: dict[str, nn.Module] = {"mmseg": theirs, "ours": ours}
    if size in TIMM:
        models["timm"] = build("timm", size, side)
    if compiled:
        models["ours, compiled"] = copy.deepcopy(ours)
        models["ours, compiled"].compile()
    cases: dict[str, Callable[[], None]] = {}
    for name, model in models.items():
        model.to(machine.device)
        outputs = lambda model=model: list(model(batch))  # noqa: E731
        make = training_step if train else inference
        cases[name] = make(machine, model, outputs)
        if name == "mmseg" and flushed is not None:
            cases["mmseg, denormals flushed"] = lambda: flushed(train)
        if name == "ours" and train:
            twin = copy.deepcopy(model)
            cases["ours, fused optimizer"] = training_step(
                machine, twin, lambda twin=twin: list(twin(batch)), fused=True
            )
    theirs.eval()
    flops = count_case_flops(lambda: theirs(batch), train=train)
    found = interleaved(cases, rounds=machine.rounds, wait=machine.wait)
    reference = found["mmseg"].median
    rows = []
    for name, spread in found.items():
        megabytes = "–"  # the same encoder: neither denormals nor compiling changes its memory
        encoder, _, how = name.partition(", ")
        if how in ("", "fused optimizer"):
            arguments = (machine, encoder, size, images, side, train, bool(how))
            megabytes = round(peak(_alone, machine.device, *arguments))
        share = machine.share(flops, spread.median)
        rows.append((name, spread, reference / spread.median, share, megabytes))
    what = "training step" if train else "inference"
    return Table(
        f"Swin-{size}, {what}",
        (
            "encoder",
            "ms (quartiles)",
            "times as fast as mmseg's",
            "of the product rate",
            "peak MiB",
        ),
        rows,
        f"{images} images of {side}², {flops / 1e9:.4g} GFLOP"
        + ", AdamW." * train
        + "." * (not train),
    )


def _alone(
    machine: Machine, name: str, size: str, images: int, side: int, train: bool, fused: bool
) -> None:
    """Do a case twice: an optimizer's state is there from the second step on."""
    batch = noise_images(images, side, machine.device)
    model = build(name, size, side).to(machine.device)
    outputs = lambda: list(model(batch))  # noqa: E731
    case = inference(machine, model, outputs)
    if train:
        case = training_step(machine, model, outputs, fused=fused)
    for _ in range(2):
        case()


def _mmseg_cases(machine: Machine, size: str, images: int, side: int) -> Callable[[bool], None]:
    batch = noise_images(images, side, machine.device)
    cases = {}
    for train, make in ((False, inference), (True, training_step)):
        model = build("mmseg", size, side)
        cases[train] = make(machine, model, lambda model=model: list(model(batch)))
    return lambda train: cases[train]()
