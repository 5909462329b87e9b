"""Balancing by the sum of the logarithms of the losses."""

from __future__ import annotations

from collections.abc import Mapping

from mmseg.registry import MODELS
from torch import Tensor

from .base import Balancing


@MODELS.register_module()
class Log(Balancing):
    """Minimise ``Σ w_t log L_t``, so that the scale of a loss does not matter.

    The logarithm of DB-MTL (Lin et al. 2023, https://arxiv.org/abs/2308.12029) and IMTL-L (Liu et
    al. 2021), without their gradient balancing. The weight of a task is ``w_t / L_t``, so the
    logged total is the constant sum of the ``task_weights``.

    Args:
        tasks: See :class:`Balancing`.
        task_weights: The ``w_t``.
    """

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Divide each task's weight by its loss."""
        values, weights, _ = self.present(losses)
        return dict(zip(losses, (weights / values).float(), strict=True))
