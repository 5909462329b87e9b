"""Synchronisation points: places of a training step where the CPU waits for the GPU."""

from __future__ import annotations

import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from benchmarks.tables import Table
from mmengine.optim import build_optim_wrapper

from . import ROOT
from .samples import batch, build, load
from .steps import Setting

#: Start of PyTorch's warning of a synchronisation.
SIGN = "called a synchronizing CUDA operation"


def measure(setting: Setting, *, configs: Sequence[str], images: int = 4) -> Iterator[Table]:
    """List the places by config, in a step from the batch on its device to the update."""
    rows: list[tuple[str, str, int]] = []
    for config in configs:
        name = Path(config).stem
        places = waiting_places(_step(setting, config, images), setting.device)
        rows += [(name, place, count) for place, count in places.most_common()] or [(name, "–", 0)]
        yield Table(
            "Synchronisations of a training step",
            ("config", "where", "times"),
            rows,
            "Forward pass, losses, backward pass and update, with the batch on the device: the "
            "innermost lines of this repository under torch.cuda.set_sync_debug_mode.",
        )


def waiting_places(step: Callable[[], None], device: str) -> Counter[str]:
    """Run a step twice, and list the places where the second one waited."""
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    with _noted() as places:
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("warn")  # "error" would stop at the first place
        try:
            step()
        finally:
            if device == "cuda":
                torch.cuda.set_sync_debug_mode("default")
    return places


@contextmanager
def _noted() -> Iterator[Counter[str]]:
    places: Counter[str] = Counter()

    def note(message: Warning | str, *args: object, **kwargs: object) -> None:
        if SIGN in str(message):
            places[_place(traceback.extract_stack())] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note
        yield places


def _place(stack: Sequence[traceback.FrameSummary]) -> str:
    """Format the innermost line of the package, or else of a library, with its source."""
    package = str(ROOT / "mtlplugins")
    ours = [frame for frame in stack if frame.filename.startswith(package)]
    outside = [f for f in stack if not f.filename.startswith((str(ROOT), __file__))]
    chosen = ours[-1] if ours else outside[-1]
    name = Path(chosen.filename)
    shown = name.relative_to(ROOT) if ours else Path(*name.parts[-3:])
    return f"{shown}:{chosen.lineno} `{chosen.line}`"


def _step(setting: Setting, config: str, images: int) -> Callable[[], None]:
    cfg = load(config)
    model = build(cfg).to(setting.device).train()
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    ready = model.data_preprocessor(batch(cfg, model, images), training=True)

    def step() -> None:
        loss, _ = model.parse_losses(model(**ready, mode="loss"))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step
