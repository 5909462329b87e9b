"""Gradient sign dropout."""

from __future__ import annotations

import torch
from mmengine.dist import get_rank, get_world_size
from mmseg.registry import MODELS
from torch import Tensor

from .gradient_balancing import GradientBalancing


@MODELS.register_module()
class GradDrop(GradientBalancing):
    """For each parameter, only the tasks' gradients of one sign, which is drawn by its purity.

    Chen et al. 2020, Just Pick a Sign (arXiv:2010.06808), Algorithm 1. The numbers that are drawn
    depend on the parameter, not on how many processes share the work.

    Args:
        tasks: See :class:`GradientBalancing`.
        at: ``'parameters'`` alone: processes have different features, which cannot draw alike.
        task_weights: See :class:`GradientBalancing`.

    Raises:
        ValueError: ``at`` is ``'features'``, or there are fewer than two tasks.
    """

    def prepare(self) -> None:
        """Refuse features."""
        if self.at == "features":
            raise ValueError(
                "model.balancing=GradDrop draws a sign for each number, and features differ "
                "between processes: take at='parameters', or another method"
            )

    def combine_present(self, rows: Tensor, products: Tensor, present: Tensor) -> Tensor:
        """Keep one sign of each column."""
        columns = rows.shape[1]
        generator = torch.Generator(rows.device).manual_seed(int(self.seed + self.steps))
        drawn = torch.rand(
            columns * get_world_size(), generator=generator, device=rows.device, dtype=rows.dtype
        )[get_rank() * columns :][:columns]
        sizes = rows.abs().sum(0)
        purity = (1 + rows.sum(0) / sizes.clamp(min=torch.finfo(sizes.dtype).tiny)) / 2
        return torch.where(purity > drawn, rows.clamp(min=0).sum(0), rows.clamp(max=0).sum(0))
