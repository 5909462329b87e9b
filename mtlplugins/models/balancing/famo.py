"""Fast adaptive multitask optimization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmseg.registry import MODELS
from torch import Tensor

from .base import check_positive
from .loss_balancing import LossBalancing, softmax_of_present

_EPS = 1e-8
_BETAS = (0.9, 0.999)


@MODELS.register_module()
class FAMO(LossBalancing):
    """Weights under which all losses fall at the same rate: c · softmax(w) / L, c such that Σ = 1.

    ``w`` is learned by Adam from how far the logarithm of each loss fell in the step, on the same
    batch (Liu et al. 2023, arXiv:2306.03792). That takes one more forward pass after each update,
    in training mode, so batch norms count each batch twice. ``w`` and Adam's moments are buffers;
    in a step, only those of present tasks move, each with its own count of steps.

    Args:
        tasks: See :class:`LossBalancing`.
        lr: Adam's learning rate for ``w``.
        weight_decay: Adam's weight decay for ``w``, the paper's regularisation.
        task_weights: See :class:`LossBalancing`.

    Raises:
        ValueError: ``lr`` is not above 0, or there are fewer than two tasks.
    """

    shardable = False
    needs_losses_after_update = True

    logits: Tensor
    mean: Tensor
    square: Tensor
    steps: Tensor
    before: Tensor
    was_present: Tensor

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        lr: float = 0.025,
        weight_decay: float = 1e-3,
        task_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(tasks, task_weights=task_weights)
        check_positive(self, lr=lr)
        self.lr = lr
        self.weight_decay = weight_decay
        for name in ("logits", "mean", "square", "steps"):
            self.register_buffer(name, torch.zeros(len(self.tasks)))
        self.register_buffer("before", torch.ones(len(self.tasks)), persistent=False)
        absent = torch.zeros(len(self.tasks), dtype=torch.bool)
        self.register_buffer("was_present", absent, persistent=False)

    def weights(self, losses: Tensor, present: Tensor) -> Tensor:
        """Compute the weights, and keep the losses for :meth:`after_update`."""
        if self.training:
            self.before.copy_(losses)
            self.was_present.copy_(present)
        weights = softmax_of_present(self.logits, present) / (losses + _EPS)
        return weights / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)

    def after_update(self, losses: Mapping[str, Tensor]) -> None:
        """Take one step of Adam on ``w``; see :meth:`Balancing.after_update`."""
        after, present = self._stack(losses)
        present = present & self.was_present
        fall = (self.before + _EPS).log() - (after + _EPS).log()
        shares = softmax_of_present(self.logits, present)
        # the gradient of Σ softmax(w) · fall
        gradient = shares * (fall - (shares * fall).sum()) + self.weight_decay * self.logits
        mean = torch.lerp(gradient, self.mean, _BETAS[0])
        square = torch.lerp(gradient**2, self.square, _BETAS[1])
        steps = self.steps + 1
        scale = (square / (1 - _BETAS[1] ** steps)).sqrt() + _EPS
        logits = self.logits - self.lr * mean / (1 - _BETAS[0] ** steps) / scale
        for name, new in dict(logits=logits, mean=mean, square=square, steps=steps).items():
            old = getattr(self, name)
            old.copy_(torch.where(present, new, old))
