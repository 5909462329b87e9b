"""Cosine loss of directions."""

from __future__ import annotations

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class CosineDirectionLoss(nn.Module):
    """1 - cos of the angle between unit vectors: 0 for equal, 2 for opposite directions.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """Average the loss over the valid pixels.

        Args:
            pred: Unit vectors (n, 3, H, W).
            target: Unit vectors of the same shape; read at valid pixels only.
            valid: Boolean (n, H, W).

        Returns:
            A scalar; 0, still connected to ``pred``, if no pixel is valid.
        """
        # no indexing by `valid`: its number of elements would synchronise the GPU. The target is
        # masked before the product, because 0 times a non-finite target would be in the gradient
        target = torch.where(valid[:, None], target, 0)
        cosine = (pred * target).sum(dim=1)
        return self.loss_weight * torch.where(valid, 1 - cosine, 0).sum() / valid.sum().clamp(min=1)
