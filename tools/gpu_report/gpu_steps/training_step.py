"""Complete training step of a config: encoder, decoders, heads, losses, optimizer."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from benchmarks.tables import Table
from benchmarks.timing import Spread, interleaved
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mtlplugins.models import MultiTaskModel

from .samples import batch, build, load
from .speed import machine_in, peak_of, peak_rate
from .steps import Setting

#: Optimizer wrapper by precision; float32 uses the config's.
_WRAPPERS = {"bfloat16": "Bf16OptimWrapper"}


def measure(setting: Setting, *, config: str, images: int) -> Iterator[Table]:
    """Time the step in bfloat16, TF32 and float32, and compiled; yields the table after each."""
    cfg = load(config)
    ways = [(precision, False) for precision in ("bfloat16", "TF32", "float32")]
    if not setting.rehearse:  # compiling takes a minute
        ways.append(("bfloat16", True))
    rows: list[tuple[Any, ...]] = []
    for precision, compiled in ways:
        with machine_in(setting, precision) as machine:
            model, step = make_step(setting, cfg, images, precision)
            flops = 3 * _count(step_forward(cfg, model, images))
            if compiled:
                model.compile_network()
            spread = _time(step, setting, machine.wait)
            memory = round(peak_of(setting)(step, setting.device))
            name = f"{precision}{', compiled' if compiled else ''}"
            rows.append(_row(name, spread, images, flops, machine.rate, peak_rate(setting), memory))
        yield Table(
            f"Training step of {Path(config).stem}",
            (
                *("", "ms (quartiles)", "images a second", "of the product rate"),
                *("of the data sheet's bfloat16 rate (MFU)", "peak MiB"),
            ),
            rows,
            f"{images} images of noise, {flops / 1e9:.4g} GFLOP; from the batch in the CPU's "
            "memory to the update.",
        )


def make_step(
    setting: Setting, cfg: Config, images: int, precision: str
) -> tuple[MultiTaskModel, Callable[[], Any]]:
    """Build a model on the device, and make its training step."""
    model = build(cfg).to(setting.device).train()
    options = dict(cfg.optim_wrapper)
    options["type"] = _WRAPPERS.get(precision, options["type"])
    wrapper = build_optim_wrapper(model, options)
    data = batch(cfg, model, images)
    return model, lambda: model.train_step(copy.deepcopy(data), wrapper)


def step_forward(cfg: Config, model: MultiTaskModel, images: int) -> Callable[[], Any]:
    """Run the forward pass of a step, with its losses."""
    ready = model.data_preprocessor(batch(cfg, model, images), training=True)
    return lambda: model(**ready, mode="loss")


def _time(step: Callable[[], Any], setting: Setting, wait: Callable[[], None]) -> Spread:
    warmup = 1 if setting.rehearse else 5
    return interleaved({"": step}, rounds=setting.rounds, warmup=warmup, wait=wait)[""]


def _count(forward: Callable[[], Any]) -> int:
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        forward()
    return counter.get_total_flops()


def _row(
    name: str, spread: Spread, images: int, flops: int, rate: float, peak: float, memory: int
) -> tuple[Any, ...]:
    speed = flops / spread.median
    mfu = f"{speed / peak:.0%}" if peak == peak else "–"
    return name, spread, images / spread.median, f"{speed / rate:.0%}", mfu, memory
