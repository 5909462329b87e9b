"""Losses of depth and normals: calls of mmseg's and mmpretrain's losses on valid pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .criterion import Criterion


def measure_criterion(
    head: str,
    config: dict | Sequence[dict],
    channels: int,
    *,
    positive: bool = True,
    each: bool = False,
) -> Criterion:
    """Build the loss of a head that predicts continuous values.

    Args:
        head: Name of the head, for errors.
        config: A loss, or a list of losses, which are summed.
        channels: Number C of values per pixel: 1 for depth, 3 for directions.
        each: Whether the validity mask is one of each value, (n, C, H, W), also where C is not 1.
        positive: Whether a single value is above 0, for losses that take its logarithm.

    Returns:
        A criterion of predictions and targets (n, C, H, W) and a validity mask, which is
        (n, 1, H, W) if C is 1, else (n, H, W).

    Raises:
        ValueError: See :class:`Criterion`.
    """
    with torch.device("cpu"), torch.inference_mode(False):
        pred = torch.linspace(0.1, 0.9, 2 * channels * 15).reshape(2, channels, 3, 5)
        valid = torch.ones(2, 3, 5, dtype=torch.bool)
        valid[0, 0], valid[1] = False, False  # an image without valid pixels
        target = torch.where(valid[:, None], pred.flip(3) + 0.05, 0)
    mask = valid[:, None].expand_as(pred) if each or channels == 1 else valid
    example = pred, target, mask
    calls = {name: call for name, call in _CALLS.items() if positive or call is not _silog}
    return Criterion(head, config, calls, _as_ours, example)


def _as_ours(loss: nn.Module, pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    return loss(pred, target, valid)


def _silog(loss: nn.Module, pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Call mmseg's scale-invariant loss, which is equal for depths and their reciprocals."""
    if not valid.any():
        return pred.sum() * 0
    # the square root has an infinite gradient for an image without depth or without error
    images = (valid & (pred != target)).flatten(1).any(dim=1)
    if not images.any():
        return pred.sum() * 0
    return loss(pred[images], torch.where(valid, target, 0)[images])


def _differences(loss: nn.Module, pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    if not valid.any():
        return pred.sum() * 0
    mask = valid if valid.dim() == pred.dim() else valid[:, None].expand_as(pred)
    return loss(pred, torch.where(mask, target, 0), mask)


def _cosines(loss: nn.Module, pred: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    if valid.dim() == pred.dim():
        raise ValueError("it compares directions; take it for normals")
    if not valid.any():
        return pred.sum() * 0
    target = torch.where(valid[:, None], target, 0)
    return loss(pred.movedim(1, -1), target.movedim(1, -1), valid)


_CALLS = {
    "mmseg.SiLogLoss": _silog,
    "mmpretrain.PixelReconstructionLoss": _differences,
    "mmpretrain.CosineSimilarityLoss": _cosines,
}
