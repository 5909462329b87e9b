"""Losses of binary masks: calls of mmseg's losses on one channel of logits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import torch
from mmseg.models.losses.cross_entropy_loss import CrossEntropyLoss
from mmseg.models.losses.dice_loss import DiceLoss, dice_loss
from mmseg.models.losses.focal_loss import py_sigmoid_focal_loss
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from .criterion import Call, Criterion
from .of_labels import CALLS, NONE_IGNORED


def mask_criterion(head: str, config: dict | Sequence[dict], channels: int = 1) -> Criterion:
    """Build the loss of a head that predicts the probability of a mask.

    A logit x is that of two classes with logits 0 and x, as which losses with a softmax see it;
    those with a sigmoid see x itself.

    Args:
        head: Name of the head, for errors.
        config: A loss, or a list of losses, which are summed.
        channels: Number C of masks per pixel.

    Returns:
        A criterion of logits and targets from 0.0 to 1.0, and a validity mask, each (n, C, H, W).

    Raises:
        ValueError: See :class:`Criterion`.
    """
    with torch.device("cpu"), torch.inference_mode(False):
        logits = torch.linspace(-2, 2, 2 * channels * 15).reshape(2, channels, 3, 5)
        targets = (torch.arange(logits.numel()) % 2).reshape(logits.shape).float()
        valid = torch.ones_like(logits, dtype=torch.bool)
        valid[0, :, 0], valid[1] = False, False  # an image without ground truth
    return Criterion(head, config, _MASK_CALLS, _as_ours, (logits, targets, valid))


def _as_ours(loss: nn.Module, logits: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    return loss(logits, targets, valid)


def _as_two_classes(
    call: Call, loss: nn.Module, logits: Tensor, targets: Tensor, valid: Tensor
) -> Tensor:
    x = logits.flatten(0, 1)  # each channel is a map of its own
    labels = (targets.flatten(0, 1) > 0.5).long().masked_fill(~valid.flatten(0, 1), NONE_IGNORED)
    return call(loss, torch.stack([torch.zeros_like(x), x], dim=1), labels, NONE_IGNORED)


def _cross_entropy(
    loss: CrossEntropyLoss, logits: Tensor, targets: Tensor, valid: Tensor
) -> Tensor:
    if not loss.use_sigmoid:
        return _as_two_classes(CALLS["mmseg.CrossEntropyLoss"], loss, logits, targets, valid)
    if loss.class_weight is not None and len(loss.class_weight) != 1:
        raise ValueError("with use_sigmoid there is one class: give one class_weight, or leave it")
    factor = loss.class_weight[0] if loss.class_weight else 1
    value = binary_cross_entropy_with_logits(logits, targets, reduction="none")
    mean = torch.where(valid, value, 0).sum() / valid.sum().clamp(min=1)
    return loss.loss_weight * factor * mean


def _focal(loss: nn.Module, logits: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    if not valid.any():
        return logits.sum() * 0
    rows, known = logits[valid][:, None], targets[valid][:, None]
    options = {key: getattr(loss, key) for key in ("gamma", "alpha", "class_weight", "reduction")}
    return loss.loss_weight * py_sigmoid_focal_loss(rows, known, **options)


def _dice(loss: DiceLoss, logits: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    if not loss.use_sigmoid or not loss.activate:
        return _as_two_classes(CALLS["mmseg.DiceLoss"], loss, logits, targets, valid)
    value = dice_loss(
        logits.sigmoid() * valid,
        targets * valid,
        None,
        eps=loss.eps,
        reduction=loss.reduction,
        naive_dice=loss.naive_dice,
        ignore_index=None,
    )
    return loss.loss_weight * cast("Tensor", value)  # mmseg declares a float


_SOFTMAX = ("mmseg.LovaszLoss", "mmseg.TverskyLoss", "mmseg.OhemCrossEntropy")
_MASK_CALLS: dict[str, Call] = {
    "mmseg.CrossEntropyLoss": _cross_entropy,
    "mmseg.FocalLoss": _focal,
    "mmseg.DiceLoss": _dice,
    **{name: partial(_as_two_classes, CALLS[name]) for name in _SOFTMAX},
}
