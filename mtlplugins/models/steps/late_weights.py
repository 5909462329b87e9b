"""Gradients of the tasks, kept apart until the losses of all are known and so their weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mtlplugins.models.backbones.conditioned import Trunk

from .task_gradients import TaskGradients

if TYPE_CHECKING:
    from mtlplugins.models.multitask_model import MultiTaskModel


class LateWeights:
    """Multiplies the tasks' gradients by weights that the step knows only at its end.

    Gradients of what the tasks share are kept in a row per task, as :class:`TaskGradients` does;
    those of a task's own modules are multiplied in place.

    Args:
        model: The :class:`MultiTaskModel`.
        shared: What the encoder has computed up to its branch point.
        leaves: The same, detached, where the tasks' gradients arrive.
    """

    def __init__(self, model: MultiTaskModel, shared: Trunk, leaves: Trunk) -> None:
        parts = (model.backbone, model.neck, model.task_embedding)
        modules = [part for part in parts if part is not None]
        trained = any(p.requires_grad for module in modules for p in module.parameters())
        count = len(model.trained_tasks)
        self._rows = TaskGradients(modules, count, shared, leaves) if trained else None
        self._own = {
            task: [(p, p.grad) for m in model.modules_of(task) for p in m.parameters()]
            for task in model.trained_tasks
        }
        for own in self._own.values():
            for p, _ in own:
                p.grad = None

    def take(self, task: int) -> None:
        """Take the gradient that the task of this number has just left."""
        if self._rows is not None:
            self._rows.take(task)

    def put_back(self, weights: Mapping[str, float | Tensor]) -> None:
        """Give all parameters the weighted sum of the gradients, beside what they had before."""
        for task, own in self._own.items():
            for p, before in own:
                found = p.grad
                if found is not None:
                    found *= torch.as_tensor(weights[task]).to(found)
                p.grad = found if before is None else before if found is None else before + found
        if self._rows is not None:
            factors = torch.stack([torch.as_tensor(weights[task]) for task in self._own])
            self._rows.put_back(lambda rows: factors.to(rows) @ rows)
