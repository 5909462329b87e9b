"""Gradients of the tasks on batches and their halves, reduced to scalar products."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mtlplugins.analysis.training_batches import Batch, task_loss
from mtlplugins.models import MultiTaskModel
from mtlplugins.models.balancing.gradient_balancing import gramian

from .shared_parts import Shared


def gradient_row(model: MultiTaskModel, shared: Shared, task: str, batch: Batch) -> Tensor | None:
    """Compute the gradient (P,) of a task's raw loss; None without a target of it."""
    loss = task_loss(model, task, batch)
    if loss is None:
        return None
    found = torch.autograd.grad(loss, shared.parameters, allow_unused=True)
    return torch.cat(
        [
            torch.zeros_like(p).flatten() if g is None else g.flatten()
            for p, g in zip(shared.parameters, found, strict=True)
        ]
    )


def scalar_products(
    model: MultiTaskModel, shared: Shared, tasks: Sequence[str], batch: Batch
) -> dict[str, Tensor]:
    """Compute the scalar products of the tasks' gradients on the two halves of a batch.

    Returns:
        For each part float64 (2, T, 2, T), by half and task, twice; NaN where a half has no target
        of a task. All figures of :mod:`.figures` follow from these.
    """
    first = shared.parameters[0]
    rows = first.new_zeros(2 * len(tasks), shared.size)
    absent = []
    for half, images in enumerate(batch.halves()):
        for number, task in enumerate(tasks):
            index = half * len(tasks) + number
            row = gradient_row(model, shared, task, images) if images.samples else None
            if row is None:
                absent.append(index)
            else:
                rows[index] = row
    found = {}
    for part, slices in shared.slices.items():
        products = torch.stack([gramian(rows[:, columns]) for columns in slices]).sum(0)
        products[absent] = products[:, absent] = torch.nan
        found[part] = products.view(2, len(tasks), 2, len(tasks)).cpu()
    return found
