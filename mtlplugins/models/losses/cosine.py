"""The angle between directions as a loss."""

from __future__ import annotations

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class CosineDirectionLoss(nn.Module):
    """1 - cos of the angle between unit vectors: 0 where they agree, 2 where they are opposite.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """Average over the valid pixels.

        Args:
            pred: Unit vectors (n, 3, H, W).
            target: Unit vectors of the same shape; read at valid pixels only.
            valid: Boolean (n, H, W).

        Returns:
            A scalar; 0, still connected to ``pred``, where nothing is valid.
        """
        # no selecting by `valid`: a GPU would have to tell how many there are, and wait; and taken
        # before they meet, as 0 times a target that is not finite would reach the gradient
        target = torch.where(valid[:, None], target, 0)
        cosine = (pred * target).sum(dim=1)
        return self.loss_weight * torch.where(valid, 1 - cosine, 0).sum() / valid.sum().clamp(min=1)
