"""Losses of several labels per image: calls of mmseg's and mmpretrain's losses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .criterion import Criterion


def label_set_criterion(head: str, config: dict | Sequence[dict], num_classes: int) -> Criterion:
    """Build the loss of a head that decides on each class by itself.

    Args:
        head: Name of the head, for errors.
        config: A loss, or a list of losses, which are summed.
        num_classes: Number K of classes.

    Returns:
        A criterion of logits and targets 0.0 or 1.0, both (n, K).

    Raises:
        ValueError: See :class:`Criterion`.
    """
    with torch.device("cpu"), torch.inference_mode(False):
        logits = torch.linspace(-2, 2, 2 * num_classes).reshape(2, num_classes)
        targets = (torch.arange(2 * num_classes) % 2).reshape(2, num_classes).float()
    return Criterion(head, config, _CALLS, _as_ours, (logits, targets), num_classes=num_classes)


def _as_ours(loss: nn.Module, logits: Tensor, targets: Tensor) -> Tensor:
    return loss(logits, targets)


def _as_it_is(loss: nn.Module, logits: Tensor, targets: Tensor) -> Tensor:
    return loss(logits, targets)


def _with_sigmoid(loss: nn.Module, logits: Tensor, targets: Tensor) -> Tensor:
    if not getattr(loss, "use_sigmoid", False):
        raise ValueError("its softmax makes the classes exclude each other: set use_sigmoid=True")
    return loss(logits, targets)


def _mmseg_cross_entropy(loss: nn.Module, logits: Tensor, targets: Tensor) -> Tensor:
    # mmseg drops the axis of a single class in the logits alone
    return _with_sigmoid(loss, logits, targets[:, 0] if targets.shape[1] == 1 else targets)


_CALLS = {
    "mmseg.CrossEntropyLoss": _mmseg_cross_entropy,
    "mmpretrain.CrossEntropyLoss": _with_sigmoid,
    "mmpretrain.AsymmetricLoss": _with_sigmoid,
    "mmpretrain.FocalLoss": _as_it_is,
}
