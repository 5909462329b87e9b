"""Smooth Tchebycheff scalarization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmseg.registry import MODELS
from torch import Tensor

from .base import check_positive
from .loss_balancing import LossBalancing, softmax_of_present


@MODELS.register_module()
class STCH(LossBalancing):
    """The gradient of a smooth maximum of the n present losses, mu · log Σ exp(L / (n · mu)).

    Each weight is softmax(L / (n · mu)) / n: the worse a task does, the more it counts. Lin et al.
    2024, Smooth Tchebycheff Scalarization (arXiv:2402.19078), with equal preferences and the ideal
    point 0. It depends on the units of the losses.

    Args:
        tasks: See :class:`LossBalancing`.
        mu: Smoothness; the smaller, the nearer to the maximum.
        task_weights: See :class:`LossBalancing`.

    Raises:
        ValueError: ``mu`` is not above 0, or there are fewer than two tasks.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        mu: float = 1.0,
        task_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(tasks, task_weights=task_weights)
        check_positive(self, mu=mu)
        self.mu = mu

    def weights(self, losses: Tensor, present: Tensor) -> Tensor:
        """Compute the softmax, divided by the number of present tasks."""
        count = present.sum().clamp(min=1)
        return softmax_of_present(losses / (count * self.mu), present) / count
