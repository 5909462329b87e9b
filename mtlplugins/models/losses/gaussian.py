"""Negative log-likelihood of a normal distribution whose variance is predicted too."""

from __future__ import annotations

import torch
from torch import Tensor

_LEAST, _MOST = -10.0, 10.0  # of the logarithm of the variance, in units of the head's std


def gaussian_nll(mean: Tensor, log_variance: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Average ``(e² / v + ln v) / 2`` over the valid elements, e = mean - target, v the variance.

    The heteroscedastic loss of Kendall and Gal (2017, arXiv:1703.04977, eq. 8), without constants.
    ``ln v`` is limited to ±10, so that neither term can overflow.

    Args:
        mean: Predictions of any shape.
        log_variance: ln v, of the same shape.
        target: Of the same shape; read at valid elements only.
        valid: Boolean, of the same shape.

    Returns:
        A scalar; 0, still connected to the predictions, if no element is valid.
    """
    with torch.autocast(mean.device.type, enabled=False):
        mean, spread = mean.float(), log_variance.float().clamp(_LEAST, _MOST)
        error = mean - torch.where(valid, target, 0)
        each = (error**2 * torch.exp(-spread) + spread) / 2
        return torch.where(valid, each, 0).sum() / valid.sum().clamp(min=1)


def deviation(log_variance: Tensor) -> Tensor:
    """Turn ln v into the standard deviation, float32."""
    return torch.exp(log_variance.float().clamp(_LEAST, _MOST) / 2)
