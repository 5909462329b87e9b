"""The contract of a balancing method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn


class Balancing(nn.Module):
    """Base of the methods that weight the losses of the tasks against each other.

    A method is a module of the model, so its parameters are trained, and its parameters and buffers
    are saved and resumed, with the model's.

    Args:
        tasks: The tasks that are trained, in the model's order.
        task_weights: The config's ``model.task_weights``; 1 where a task is not given.
    """

    #: Whether the weights of a step do not depend on its losses.
    known_before: ClassVar[bool] = False

    def __init__(
        self, tasks: Sequence[str], *, task_weights: Mapping[str, float] | None = None
    ) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.task_weights = dict(task_weights or {})

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, float | Tensor]:
        """Weight the losses of one step.

        Args:
            losses: The raw loss of each trained task over all processes, a scalar without a
                gradient; 0 for a task without a target. A method whose weights are
                ``known_before`` must take those of some of the tasks, too.

        Returns:
            The factor of each task's loss in the total.
        """
        raise NotImplementedError

    def present(self, losses: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Stack the losses, and say which of them take part.

        Returns:
            (K,) each: the losses in float64, 1 for a task that takes no part, because it has no
            target or a weight of 0; the ``task_weights``, 0 for it; and whether it takes part.
        """
        values = torch.stack([loss.double() for loss in losses.values()])
        weights = values.new_tensor([self.task_weights.get(task, 1.0) for task in losses])
        there = (values != 0) & (weights > 0)  # NaN takes part, to be seen
        return values.where(there, 1.0), weights.where(there, 0.0), there
