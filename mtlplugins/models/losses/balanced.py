"""Binary cross-entropy of rare pixels."""

from __future__ import annotations

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits


@MODELS.register_module()
class BalancedBCELoss(nn.Module):
    """Binary cross-entropy in which the pixels of the mask weigh w and the others 1 - w.

    As in holistically-nested edge detection (Xie and Tu 2015, arXiv:1504.06375, eq. 2), but as a
    mean over the valid pixels in place of a sum.

    Args:
        positive: w; None for the share of the other pixels in the batch, so that both sides weigh
            the same. The multi-task papers take 0.95 for edges.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: ``positive`` is not between 0 and 1.
    """

    def __init__(self, positive: float | None = None, loss_weight: float = 1.0) -> None:
        super().__init__()
        if positive is not None and not 0 < positive < 1:
            raise ValueError(f"BalancedBCELoss: positive={positive} must be between 0 and 1")
        self.positive = positive
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """Average the loss over the valid elements.

        Args:
            pred: Logits of any shape.
            target: 0.0 or 1.0, or between, of the same shape; read at valid elements only.
            valid: Boolean, of the same shape.

        Returns:
            A scalar; 0, still connected to ``pred``, if no element is valid.
        """
        wanted = torch.where(valid, target, 0)
        count = valid.sum().clamp(min=1)
        weight = 1 - wanted.sum() / count if self.positive is None else self.positive
        each = wanted * weight + (1 - wanted) * (1 - weight)
        loss = binary_cross_entropy_with_logits(pred, wanted, reduction="none") * each
        return self.loss_weight * torch.where(valid, loss, 0).sum() / count
