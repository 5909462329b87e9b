"""The parts of ``tools/analysis/benchmark.py``, in each precision that a GPU has."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from benchmarks import encoders as encoder_parts
from benchmarks import resnets as resnet_parts
from benchmarks import tasks as task_parts
from benchmarks.machine import Machine, product_rate
from benchmarks.tables import Table

from .steps import Setting

#: The type that is computed in, and whether products of float32 may be rounded to TF32.
PRECISIONS = {
    "float32": (torch.float32, False),
    "TF32": (torch.float32, True),
    "bfloat16": (torch.bfloat16, True),
}
#: Dense bfloat16 operations per second by the vendor's data sheets, of the SXM parts.
PEAKS = {"H200": 989.4e12, "H100": 989.4e12, "A100": 311.9e12}


@contextmanager
def precise(precision: str) -> Iterator[torch.dtype]:
    """Set how products of float32 are rounded, and give the type of mixed precision."""
    dtype, tf32 = PRECISIONS[precision]
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = tf32
    try:
        yield dtype
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed


@contextmanager
def machine_in(setting: Setting, precision: str) -> Iterator[Machine]:
    """Make the benchmark's machine for a precision, with its rate of products."""
    with precise(precision) as dtype:
        small = dict(side=64, repeats=1) if setting.rehearse else {}
        rate = product_rate(setting.device, dtype, **small)
        yield Machine(setting.device, dtype, setting.rounds, rate)


def machine_rates(setting: Setting) -> Iterator[Table]:
    """Say what the machine is and how fast it multiplies."""
    rows: list[tuple[str, Any]] = []
    for precision in PRECISIONS:
        with machine_in(setting, precision) as machine:
            if not rows:
                rows.append(("machine", machine.describe()))
            rows.append((f"product rate in {precision}, TFLOP/s", machine.rate / 1e12))
    if setting.device == "cuda":
        rows.append(("driver", _driver()))
        rows.append(("datasheet rate in bfloat16, TFLOP/s", peak_rate(setting) / 1e12))
    yield Table("Machine", ("", ""), rows)


def peak_rate(setting: Setting) -> float:
    """Dense bfloat16 operations per second by the data sheet; nan where it is not known here."""
    name = torch.cuda.get_device_name() if setting.device == "cuda" else ""
    return next((rate for chip, rate in PEAKS.items() if chip in name), float("nan"))


def encoders(
    setting: Setting, *, precision: str, size: str, images: int, side: int, compiled: bool = False
) -> Iterator[Table]:
    """Our encoder without a plan against mmseg's and timm's."""
    shape = dict(sizes=(size,), images=images, side=side, compiled=compiled)
    yield from _tables(
        setting,
        precision,
        lambda machine: encoder_parts.measure(machine, **shape, peak=peak_of(setting)),
    )


def rows(setting: Setting, *, size: str, images: int, side: int) -> Iterator[Table]:
    """K = 1, 2, 4 tasks as rows against a pass for each, and from the third stage on."""
    shape = dict(size=size, images=images, side=side)
    yield from _tables(
        setting,
        "bfloat16",
        lambda machine: task_parts.measure_tasks(machine, **shape, peak=peak_of(setting)),
    )
    yield from _tables(
        setting, "bfloat16", lambda machine: task_parts.measure_plan(machine, **shape)
    )


def price(setting: Setting, **shape: Any) -> Iterator[Table]:
    """What conditional modules cost."""
    yield from _tables(
        setting, "bfloat16", lambda machine: task_parts.measure_price(machine, **shape)
    )


def folded(setting: Setting, **shape: Any) -> Iterator[Table]:
    """A folded encoder against the plain one."""
    yield from _tables(
        setting, "bfloat16", lambda machine: task_parts.measure_folded(machine, **shape)
    )


def resnets(setting: Setting, **shape: Any) -> Iterator[Table]:
    """Our ResNet-50 against mmseg's."""
    yield from _tables(setting, "bfloat16", lambda machine: resnet_parts.measure(machine, **shape))


def peak_of(setting: Setting) -> Callable[..., float]:
    """How the most memory of a case is measured, in MiB.

    PyTorch counts a GPU's memory itself, so no process of its own is needed, which takes ten
    seconds to start.
    """

    def measure(work: Callable[..., None], device: str, *arguments: Any) -> float:
        if device != "cuda":
            work(*arguments)
            return float("nan") if not setting.rehearse else 0.0
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        work(*arguments)
        return (torch.cuda.max_memory_allocated() - before) / 2**20

    return measure


def _tables(
    setting: Setting, precision: str, measure: Callable[[Machine], Iterable[Table]]
) -> Iterator[Table]:
    with machine_in(setting, precision) as machine:
        for table in measure(machine):
            yield replace(table, title=f"{table.title}, {precision}")


def _driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version,memory.total", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "nvidia-smi says nothing"
