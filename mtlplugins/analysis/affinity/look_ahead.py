"""Look-ahead: how a step for one task changes the losses of all."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mtlplugins.analysis.training_batches import Batch, task_loss
from mtlplugins.models import MultiTaskModel

from .gradients import gradient_row
from .shared_parts import Shared


def look_ahead(
    model: MultiTaskModel, shared: Shared, tasks: Sequence[str], batch: Batch, *, step: float
) -> Tensor:
    """Compute by how much a step for task i lowers the loss of task j, in percent.

    ``100 (1 - L_j(θ - η ∇L_i) / L_j(θ))`` on the same batch, θ the shared parameters (TAG, Fifty et
    al. 2021, arXiv:2109.04617, equation 1). TAG takes the learning rate as η, so that a task with a
    large loss takes a long step. Here η is such that every step is as long.

    Args:
        model: The model; its parameters are restored.
        shared: Its shared parameters.
        tasks: The tasks.
        batch: Images and targets.
        step: Length of a step divided by that of all shared parameters.

    Returns:
        (T, T), row i for the step of task i; NaN without targets, or with a loss or gradient of 0.
    """
    table = torch.full((len(tasks), len(tasks)), torch.nan, dtype=torch.float64)
    rows = [gradient_row(model, shared, task, batch) for task in tasks]
    before = [p.detach().clone() for p in shared.parameters]
    length = torch.stack([p.norm() for p in before]).norm()
    with torch.no_grad():
        losses = [task_loss(model, task, batch) for task in tasks]
        for i, row in enumerate(rows):
            if row is None or not row.any():
                continue
            factor = -step * length / row.norm()
            for p, direction in zip(shared.parameters, shared.views(row), strict=True):
                p += factor * direction
            for j, task in enumerate(tasks):
                if (loss := losses[j]) is not None and loss != 0:
                    changed = task_loss(model, task, batch)
                    assert changed is not None
                    table[i, j] = 100 * (1 - changed.double() / loss.double())
            for p, value in zip(shared.parameters, before, strict=True):
                p.copy_(value)
    return table
