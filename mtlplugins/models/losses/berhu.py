"""Reversed Huber (berHu) loss."""

from __future__ import annotations

import torch
from mmengine.dist import all_reduce
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class BerHuLoss(nn.Module):
    """Reversed Huber loss: |a| for |a| ≤ δ, else (a² + δ²) / 2δ (the thesis, section 4.3).

    Args:
        threshold: δ in the unit of the error; None for 0.2 · max|a| over the valid pixels of the
            batch in all ranks, constant in the gradient (Laina et al. 2016,
            https://arxiv.org/abs/1606.00373, eq. 1).
        loss_weight: Factor of the loss.

    Raises:
        ValueError: ``threshold`` is not positive.
    """

    def __init__(self, threshold: float | None = None, loss_weight: float = 1.0) -> None:
        super().__init__()
        if threshold is not None and threshold <= 0:
            raise ValueError(f"BerHuLoss: threshold={threshold} must be positive, or None")
        self.threshold = threshold
        self.loss_weight = loss_weight

    def forward(self, pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """Average the loss over the valid elements.

        Args:
            pred: Predictions of any shape.
            target: Targets of the same shape; read at valid elements only.
            valid: Boolean, of the same shape.

        Returns:
            A scalar; 0, still connected to ``pred``, if no element is valid.
        """
        # no indexing by `valid`: its number of elements would synchronise the GPU
        wanted = torch.where(valid, target, 0)
        error = torch.where(valid, (pred - wanted).abs(), 0)
        delta = self._threshold(error.detach())
        loss = torch.where(error <= delta, error, (error**2 + delta**2) / (2 * delta))
        return self.loss_weight * loss.sum() / valid.sum().clamp(min=1)

    def _threshold(self, error: Tensor) -> Tensor:
        if self.threshold is not None:
            return error.new_full((), self.threshold)  # new_tensor() would wait for its copy
        # float64 whatever the model's dtype, because all ranks must exchange the same type
        largest = error.max().double() if error.numel() else error.new_zeros((), dtype=torch.double)
        all_reduce(largest, "max")
        # a batch without errors has δ = 0: the square branch is not used then, but must not divide
        # by 0
        return (0.2 * largest).to(error.dtype).clamp(min=torch.finfo(error.dtype).tiny)
