"""Base of the methods that weight tasks by their losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .base import Balancing


class LossBalancing(Balancing):
    """Weights that follow from the losses of the step, without their gradients.

    Only present tasks take part: those that have a target in any rank, and so a loss above 0. A
    loss that is negative or not finite takes no part, either; it keeps its task weight, so that it
    stays the only one and an error about it names the task.

    The weights are multiplied by the config's ``model.task_weights``.

    Args:
        tasks: See :class:`Balancing`.
        task_weights: See :class:`Balancing`.

    Raises:
        ValueError: There are fewer than two tasks.
    """

    task_factors: Tensor

    def __init__(
        self, tasks: Sequence[str], *, task_weights: Mapping[str, float] | None = None
    ) -> None:
        super().__init__(tasks, task_weights=task_weights)
        factors = [self.task_weights.get(task, 1.0) for task in self.tasks]
        self.register_buffer("task_factors", torch.tensor(factors), persistent=False)

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weight the losses of one step; see :meth:`Balancing.forward`."""
        values, present = self._stack(losses)
        weights = torch.where(present, self.weights(values, present), 1.0) * self.task_factors
        return {task: weights[self.tasks.index(task)] for task in losses}

    def weights(self, losses: Tensor, present: Tensor) -> Tensor:
        """Compute the weights of one step.

        Args:
            losses: Those of all tasks (T,), means over processes; 1 where a task is not present.
            present: Which tasks are present (T,).

        Returns:
            The weights (T,); of a task that is not present, any finite number.
        """
        raise NotImplementedError

    def _stack(self, losses: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Stack the losses (T,), 1 for absent tasks, and mark the tasks that are present (T,)."""
        values = torch.stack([losses[task] for task in self.tasks])
        present = values.isfinite() & (values > 0)
        return torch.where(present, values, 1.0), present


def softmax_of_present(logits: Tensor, present: Tensor) -> Tensor:
    """Apply softmax to the present entries of (T,); the others get 0, all if none is present."""
    return logits.masked_fill(~present, -torch.inf).softmax(0).nan_to_num(nan=0.0)
