"""Parity of GPU and CPU: outputs, losses and gradients in float32."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from benchmarks.tables import Table
from torch import Tensor

from mtlplugins.models import MultiTaskModel

from .samples import batch, build, load, without_dropout
from .speed import precise
from .steps import Setting

#: Largest relative difference allowed for outputs, losses and gradients.
LIMIT = 1e-3


def measure(setting: Setting, *, configs: Sequence[str], images: int = 2) -> Iterator[Table]:
    """Compare both devices on each config; yields the table so far after each."""
    rows: list[tuple[str, float, float, float, str]] = []
    for config in configs:
        cfg = load(config)
        on_cpu = without_dropout(build(cfg))
        on_device = copy.deepcopy(on_cpu).to(setting.device)
        data = batch(cfg, on_cpu, images)
        with precise("float32"):
            wanted, found = run(on_cpu, data), run(on_device, data)
        differences = [difference(found[key], wanted[key]) for key in wanted]
        verdict = "the same" if max(differences) <= LIMIT else "DIFFERS"
        rows.append((Path(config).stem, *differences, verdict))
        yield Table(
            "GPU against CPU",
            ("config", "outputs", "loss", "gradients", f"within {LIMIT:g}"),
            rows,
            f"Float32 without TF32, {images} images of noise at the config's size, nothing "
            "dropped: ‖GPU − CPU‖ / ‖CPU‖ over all tasks or parameters.",
        )


def run(model: MultiTaskModel, data: dict) -> dict[str, list[Tensor]]:
    """Compute outputs, and loss and gradients of a training step; returned on the CPU."""
    inputs = model.data_preprocessor(copy.deepcopy(data), training=False)["inputs"]
    model.eval()
    with torch.no_grad():
        outputs = model(inputs, mode="tensor")
    model.train()
    ready = model.data_preprocessor(copy.deepcopy(data), training=True)
    loss, _ = model.parse_losses(model(**ready, mode="loss"))
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    parts = dict(outputs=list(outputs.values()), loss=[loss], gradients=gradients)
    return {key: [t.detach().cpu().double() for t in values] for key, values in parts.items()}


def difference(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> float:
    """Compute the relative difference (ratio of norms); infinite if it is not finite."""
    apart = sum((f - w).square().sum() for f, w in zip(found, wanted, strict=True))
    value = float((apart / sum(w.square().sum() for w in wanted)).sqrt())
    return value if value < float("inf") else float("inf")
