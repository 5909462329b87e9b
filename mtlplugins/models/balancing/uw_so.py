"""Balancing by a softmax of the inverse losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmseg.registry import MODELS
from torch import Tensor

from .base import Balancing


@MODELS.register_module()
class UWSO(Balancing):
    """Weight the tasks with targets by ``softmax(1 / (T L_t))`` of their losses.

    Soft optimal uncertainty weighting (Kirchdorfer et al. 2024, https://arxiv.org/abs/2408.07985).
    Unlike in the paper, ``L_t`` are the losses times their ``task_weights``.

    Args:
        tasks: See :class:`Balancing`.
        temperature: ``T``; a large one makes the weights equal.
        task_weights: See :class:`Balancing`.

    Raises:
        ValueError: ``temperature`` is not above 0.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        temperature: float = 1.0,
        task_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(tasks, task_weights=task_weights)
        if not temperature > 0:
            raise ValueError(f"UWSO: temperature={temperature}: give a number above 0")
        self.temperature = temperature

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return large weights for small losses; they sum to 1 if all ``task_weights`` are 1."""
        values, weights, there = self.present(losses)
        scaled = (self.temperature * values * weights).where(there, 1.0)
        # not −∞: the softmax of −∞ alone is NaN
        soft = (1 / scaled).where(there, -1e300).softmax(0)
        return dict(zip(losses, (soft * weights).float(), strict=True))
