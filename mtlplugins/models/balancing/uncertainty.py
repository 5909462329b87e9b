"""Uncertainty weighting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from .loss_balancing import LossBalancing


@MODELS.register_module()
class Uncertainty(LossBalancing):
    """Learned uncertainties: Σ (exp(-s) · L + s) / 2, with the log variance s of each task.

    Kendall et al. 2018 (arXiv:1705.07115). ``s`` starts at 0 and is trained by the model's
    optimizer; it needs no weight decay, and a learning rate well above an encoder's, by
    ``paramwise_cfg=dict(custom_keys=dict(balancing=dict(lr_mult=10.0, decay_mult=0.0)))``.

    Args:
        tasks: See :class:`LossBalancing`.
        task_weights: See :class:`LossBalancing`.
    """

    shardable = False  # the weights are computed where parameters are divided

    def __init__(
        self, tasks: Sequence[str], *, task_weights: Mapping[str, float] | None = None
    ) -> None:
        super().__init__(tasks, task_weights=task_weights)
        self.log_variance = nn.Parameter(torch.zeros(len(self.tasks)))

    def weights(self, losses: Tensor, present: Tensor) -> Tensor:
        """Compute exp(-s) / 2, with a gradient that makes up for the term s / 2.

        The total is the sum of weights times losses and has no room for s / 2. So a zero is added
        whose gradient, after the multiplication by L, is that of s / 2; over processes, the mean.
        """
        s = self.log_variance
        return (-s).exp() / 2 + (s - s.detach()) / (2 * losses)
