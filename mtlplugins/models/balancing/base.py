"""The contract of a balancing method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn


class Balancing(nn.Module):
    """Base of the methods that weight the losses of the tasks against each other.

    A method is a module of the model, so its parameters are trained, and its parameters and buffers
    are saved and resumed, with the model's.

    Args:
        tasks: The tasks that are trained, in the model's order.
        task_weights: The config's ``model.task_weights``; 1 where a task is not given.
    """

    #: Whether a task's weight needs no other task's loss of the same step.
    separable: ClassVar[bool] = False

    def __init__(
        self, tasks: Sequence[str], *, task_weights: Mapping[str, float] | None = None
    ) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.task_weights = dict(task_weights or {})

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, float | Tensor]:
        """Weight the losses of one step.

        Args:
            losses: The raw loss of each trained task, a scalar; 0 for a task without a target. A
                ``separable`` method must take those of some of them, too.

        Returns:
            The factor of each task's loss in the total.
        """
        raise NotImplementedError
