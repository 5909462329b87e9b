"""Base class of the balancing methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn


class Balancing(nn.Module):
    """Base class of the methods that weight the losses of the tasks against each other.

    A method is a module of the model. Its parameters are trained, and its parameters and buffers
    are saved and resumed, with those of the model.

    Args:
        tasks: The trained tasks, in the model's order.
        task_weights: The config's ``model.task_weights``; 1 for tasks it does not name.

    Raises:
        ValueError: There are fewer than two tasks.
    """

    #: Whether the weights of a step are independent of its losses.
    known_before: ClassVar[bool] = False
    #: Whether it works where each rank holds a part of the parameters.
    shardable: ClassVar[bool] = True
    #: Whether it combines gradients of the tasks; then it is a :class:`GradientBalancing`.
    needs_gradients: ClassVar[bool] = False
    #: Whether it weights tasks against each other, so that it needs two.
    needs_two_tasks: ClassVar[bool] = True
    #: Whether :meth:`after_update` must be called, at the cost of another forward pass.
    needs_losses_after_update: ClassVar[bool] = False

    def __init__(
        self, tasks: Sequence[str], *, task_weights: Mapping[str, float] | None = None
    ) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.task_weights = dict(task_weights or {})
        if self.needs_two_tasks and len(self.tasks) < 2:
            raise ValueError(
                f"model.balancing={type(self).__name__} weights tasks against each other, and only "
                f"{', '.join(map(repr, self.tasks))} is trained; leave model.balancing out"
            )

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, float | Tensor]:
        """Compute the weights of one step.

        Args:
            losses: The raw loss of each trained task, the mean over all ranks, a scalar without
                gradient; 0 for a task without targets. A method whose weights are ``known_before``
                must also accept the losses of some of the tasks.

        Returns:
            The factor of each task's loss in the total.
        """
        raise NotImplementedError

    def present(self, losses: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Stack the losses and weights, and mark the tasks that are present.

        A task is present if it has targets and a weight above 0.

        Returns:
            Three tensors (K,): the losses in float64, 1 for absent tasks; the ``task_weights``, 0
            for absent tasks; whether each task is present.
        """
        values = torch.stack([loss.double() for loss in losses.values()])
        factors = [self.task_weights.get(task, 1.0) for task in losses]
        weights = torch.tensor(factors, dtype=values.dtype).to(values.device, non_blocking=True)
        there = (values != 0) & (weights > 0)  # a NaN counts as present, so that it shows
        return values.where(there, 1.0), weights.where(there, 0.0), there

    def after_update(self, losses: Mapping[str, Tensor]) -> None:
        """Adapt to the change of the losses by an update of the weights.

        Args:
            losses: The losses of the last batch as in :meth:`forward`, computed again with the
                updated weights.
        """


def check_positive(method: Balancing, **options: float) -> None:
    """Check options of a method.

    Raises:
        ValueError: One is not above 0; names it.
    """
    for name, value in options.items():
        if not value > 0:
            raise ValueError(
                f"model.balancing={type(method).__name__}: {name}={value!r} must be above 0"
            )


def missing(method: Balancing, requirement: str) -> ImportError:
    """Make the error for a package that is not installed, with the line that installs it."""
    return ImportError(
        f"model.balancing={type(method).__name__} needs a package that is not installed: "
        f'pip install "{requirement}"'
    )
