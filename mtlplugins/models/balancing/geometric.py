"""Balancing by the geometric mean of the losses."""

from __future__ import annotations

from collections.abc import Mapping

from mmseg.registry import MODELS
from torch import Tensor

from .base import Balancing


@MODELS.register_module()
class Geometric(Balancing):
    """Minimise the geometric mean ``G = (Π L_t^w_t)^(1 / Σ w_t)`` of the tasks with targets.

    GLS of MultiNet++ (Chennupati et al. 2019, https://arxiv.org/abs/1904.08492). The weight of a
    task is ``w_t G / (L_t Σ w_t)``, so the total is the geometric mean.

    Args:
        tasks: See :class:`Balancing`.
        task_weights: The exponents ``w_t``.
    """

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the derivative of the mean by each task's loss."""
        values, weights, _ = self.present(losses)
        shares = weights / weights.sum().clamp(min=1e-12)
        mean = (shares * values.log()).sum().exp()
        return dict(zip(losses, (shares * mean / values).float(), strict=True))
