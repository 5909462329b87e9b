"""Gradient normalization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmengine.dist import all_reduce
from mmseg.registry import MODELS
from torch import Tensor

from .base import check_positive
from .gradient_balancing import GradientBalancing

_SMALLEST = 1e-3


@MODELS.register_module()
class GradNorm(GradientBalancing):
    """Learned loss weights under which the tasks' gradient norms follow how slowly they learn.

    Chen et al. 2018 (arXiv:1711.02257), Algorithm 1. The norm of a task's gradient should be the
    mean of all norms times r^alpha, where r is the task's loss relative to its first one, divided
    by the mean of that over the tasks. In each step the weights take a gradient step on the sum of
    the distances from there, and are scaled to keep their sum; the next step uses them, for
    decoders and heads as well. Unlike in the paper, the distances are relative to the mean norm, so
    that ``lr`` means the same in every model, and the norms are those of all that is shared.

    A task that is absent keeps its weight. Weights stay above 0.001.

    Args:
        tasks: See :class:`GradientBalancing`.
        alpha: How strongly slow tasks are favoured; 0 makes all norms equal.
        lr: Learning rate of the weights.
        at: See :class:`GradientBalancing`.
        task_weights: Multiply the learned weights.

    Raises:
        ValueError: ``lr`` is not above 0, ``alpha`` is below 0, or there are fewer than two tasks.
    """

    loss_weights: Tensor
    first_losses: Tensor
    losses: Tensor

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        alpha: float = 1.5,
        lr: float = 0.025,
        at: str = "parameters",
        task_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(tasks, at=at, task_weights=task_weights)
        check_positive(self, lr=lr)
        if not alpha >= 0:
            raise ValueError(f"model.balancing=GradNorm: alpha={alpha!r} must not be below 0")
        self.alpha = alpha
        self.lr = lr
        zeros = torch.zeros(len(self.tasks), dtype=torch.float64)
        self.register_buffer("loss_weights", zeros + 1)
        self.register_buffer("first_losses", zeros.clone())  # 0 is "no loss yet"
        self.register_buffer("losses", zeros.clone(), persistent=False)

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, float | Tensor]:
        """Weight the losses by what was learned so far, and keep them for :meth:`combine`."""
        weights: dict[str, float | Tensor] = {}
        for task, loss in losses.items():
            number = self.tasks.index(task)
            self.losses[number] = loss
            factor = self.task_weights.get(task, 1.0)
            weights[task] = (factor * self.loss_weights[number]).float()
        return weights

    def combine_present(self, rows: Tensor, products: Tensor, present: Tensor) -> Tensor:
        """Add up the rows, which are weighted, and adapt the weights for the next step."""
        all_reduce(self.losses, "mean")
        factors = [self.task_weights.get(self.tasks[i], 1.0) for i in present.tolist()]
        norms = products.diagonal().sqrt() / products.new_tensor(factors)
        losses, first = self.losses[present], self.first_losses[present]
        first = torch.where(first > 0, first, losses)
        self.first_losses[present] = first.to(self.first_losses)
        rates = losses / first
        targets = norms.mean() * (rates / rates.mean()) ** self.alpha
        weights = self.loss_weights[present]
        slopes = (norms - targets).sign() * norms / norms.mean() / weights
        moved = (weights - self.lr * slopes).clamp(min=_SMALLEST)
        scaled = moved * weights.sum() / moved.sum()
        self.loss_weights[present] = scaled.to(self.loss_weights)
        return rows.sum(0)
