"""The angle between directions as a loss."""

from __future__ import annotations

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
        # picked before they meet: 0 times a target that is not finite would reach the gradient
        pred, target = (x.movedim(1, -1)[valid] for x in (pred, target))
        cosine = (pred * target).sum(dim=-1)
        if cosine.numel() == 0:
            return cosine.sum()
        return self.loss_weight * (1 - cosine).mean()
