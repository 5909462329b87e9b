"""Balancing by fixed weights."""

from __future__ import annotations

from collections.abc import Mapping

from mmseg.registry import MODELS
from torch import Tensor

from .base import Balancing


@MODELS.register_module()
class Fixed(Balancing):
    """Fixed weights: the config's ``model.task_weights`` in every step.

    Args:
        tasks: See :class:`Balancing`.
        task_weights: See :class:`Balancing`.
    """

    known_before = True
    needs_two_tasks = False

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, float]:
        """Return each task's weight from the config."""
        return {task: self.task_weights.get(task, 1.0) for task in losses}
