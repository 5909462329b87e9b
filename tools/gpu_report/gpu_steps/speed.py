"""Parts of ``tools/analysis/benchmark.py``, in each precision of a GPU."""

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

#: Dtype of each precision, and whether float32 products may use TF32.
PRECISIONS = {
    "float32": (torch.float32, False),
    "TF32": (torch.float32, True),
    "bfloat16": (torch.bfloat16, True),
}
#: Dense bfloat16 FLOP/s in the vendor's data sheets, for SXM boards.
PEAKS = {"H200": 989.4e12, "H100": 989.4e12, "A100": 311.9e12}


@contextmanager
def precise(precision: str) -> Iterator[torch.dtype]:
    """Set the precision of float32 products, and return the dtype of mixed precision."""
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
    """Make the benchmark's machine for a precision, with its matrix-product rate."""
    with precise(precision) as dtype:
        small = dict(side=64, repeats=1) if setting.rehearse else {}
        rate = product_rate(setting.device, dtype, **small)
        yield Machine(setting.device, dtype, setting.rounds, rate)


def machine_rates(setting: Setting) -> Iterator[Table]:
    """Describe the machine and its matrix-product rates."""
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
    """Return the dense bfloat16 FLOP/s of the data sheet; nan if unknown."""
    name = torch.cuda.get_device_name() if setting.device == "cuda" else ""
    return next((rate for chip, rate in PEAKS.items() if chip in name), float("nan"))


def encoders(
    setting: Setting, *, precision: str, size: str, images: int, side: int, compiled: bool = False
) -> Iterator[Table]:
    """Measure our encoder without a plan against mmseg's and timm's."""
    shape = dict(sizes=(size,), images=images, side=side, compiled=compiled)
    yield from _tables(
        setting,
        precision,
        lambda machine: encoder_parts.measure(machine, **shape, peak=peak_of(setting)),
    )


def rows(setting: Setting, *, size: str, images: int, side: int) -> Iterator[Table]:
    """Measure K = 1, 2, 4 tasks: rows, rows from the third stage on, and a pass per task."""
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
    """Measure the cost of conditional modules."""
    yield from _tables(
        setting, "bfloat16", lambda machine: task_parts.measure_price(machine, **shape)
    )


def folded(setting: Setting, **shape: Any) -> Iterator[Table]:
    """Measure a folded encoder against a plain one."""
    yield from _tables(
        setting, "bfloat16", lambda machine: task_parts.measure_folded(machine, **shape)
    )


def resnets(setting: Setting, **shape: Any) -> Iterator[Table]:
    """Measure our ResNet-50 against mmseg's."""
    yield from _tables(setting, "bfloat16", lambda machine: resnet_parts.measure(machine, **shape))


def peak_of(setting: Setting) -> Callable[..., float]:
    """Return the function that measures the peak memory of a case, in MiB.

    PyTorch counts GPU memory itself, so no new process is needed, which takes ten seconds to start.
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
