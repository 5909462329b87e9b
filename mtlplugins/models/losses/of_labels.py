"""Losses of labels: calls of mmseg's and mmpretrain's losses that handle ignored pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from mmseg.models.losses.dice_loss import DiceLoss, dice_loss
from mmseg.models.losses.focal_loss import py_sigmoid_focal_loss
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from .criterion import Criterion

#: Default ``ignore_index`` of PyTorch's cross-entropy; no pixel with ground truth has it.
NONE_IGNORED = -100


def label_criterion(
    head: str,
    config: dict | Sequence[dict],
    num_classes: int,
    *,
    dense: bool,
    like_mmseg: bool = False,
) -> Criterion:
    """Build the loss of a head that predicts classes.

    Args:
        head: Name of the head, for errors.
        config: A loss, or a list of losses, which are summed.
        num_classes: Number K of classes.
        dense: Whether targets are label maps, or labels of whole images.
        like_mmseg: Whether ``DiceLoss`` counts predictions at ignored pixels, as in mmseg's heads.

    Returns:
        A criterion of logits (n, K, ...), labels int64 (n, ...) and the label to ignore.

    Raises:
        ValueError: See :class:`Criterion`.
    """
    shape = (2, num_classes, 3, 5) if dense else (2, num_classes)
    with torch.device("cpu"), torch.inference_mode(False):
        logits = torch.linspace(-2, 2, 2 * num_classes * (15 if dense else 1)).reshape(shape)
        labels = torch.arange(logits[:, 0].numel()).reshape(logits[:, 0].shape) % num_classes
    if dense:
        labels[0, 0], labels[1] = NONE_IGNORED, NONE_IGNORED
    calls = {k: v for k, v in CALLS.items() if dense or v is not _dice}
    if like_mmseg:
        calls["mmseg.DiceLoss"] = _as_it_is
    example = logits, labels, NONE_IGNORED
    return Criterion(head, config, calls, _as_mmseg, example, num_classes=num_classes)


def _as_mmseg(loss: nn.Module, logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    return loss(logits, labels, ignore_index=ignored)


def _as_it_is(loss: nn.Module, logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    return loss(logits, labels)


def _known(logits: Tensor, labels: Tensor, ignored: int) -> tuple[Tensor, Tensor]:
    """Return logits (P, K) and labels (P,) of the pixels with ground truth."""
    logits, labels = logits.movedim(1, -1).flatten(0, -2), labels.flatten()
    known = labels != ignored
    return logits[known], labels[known]


def _each(loss: nn.Module, logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    """Call a loss that takes samples (P, K), without the ignored ones."""
    rows, known = _known(logits, labels, ignored)
    return loss(rows, known) if len(known) else logits.sum() * 0


def _cross_entropy(loss: nn.Module, logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    if loss.class_weight is None:
        if loss.use_sigmoid or loss.reduction != "mean" or not loss.avg_non_ignore:
            return _as_mmseg(loss, logits, labels, ignored)
        # mmseg would count the pixels on the host, which waits for the GPU
        return loss(logits, labels, avg_factor=(labels != ignored).sum(), ignore_index=ignored)
    # mmseg also looks up the weight of ignored pixels, and treats the last axis as the classes
    if loss.use_sigmoid or loss.reduction != "mean":
        return _each(loss, logits, labels, ignored)
    # no indexing by `known`: its number of pixels would wait for the GPU
    known = labels != ignored
    weights = torch.tensor(loss.class_weight).to(logits, non_blocking=True)
    total = cross_entropy(logits, labels, weights, ignore_index=ignored, reduction="sum")
    weight = (weights[torch.where(known, labels, 0)] * known).sum()
    return cast("float", loss.loss_weight) * total / (weight + torch.finfo(torch.float32).eps)


def _focal(loss: nn.Module, logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    # mmseg's function for CPUs, whose labels mmseg itself encodes wrongly
    rows, known = _known(logits, labels, ignored)
    if not len(known):
        return logits.sum() * 0
    options = {key: getattr(loss, key) for key in ("gamma", "alpha", "class_weight", "reduction")}
    return loss.loss_weight * py_sigmoid_focal_loss(rows, one_hot(known, rows.shape[1]), **options)


def _dice(loss: DiceLoss, logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    # mmseg counts predictions at ignored pixels as errors
    shares = logits
    if loss.activate:
        shares = logits.sigmoid() if loss.use_sigmoid else logits.softmax(dim=1)
    known = labels != ignored
    target = one_hot(torch.where(known, labels, 0), logits.shape[1]).movedim(-1, 1)
    left_out = loss.ignore_index  # the index of a class, by default the 256th
    value = dice_loss(
        shares * known[:, None],
        target * known[:, None],
        None,
        eps=loss.eps,
        reduction=loss.reduction,
        naive_dice=loss.naive_dice,
        ignore_index=None if left_out == 255 else left_out,
    )
    return loss.loss_weight * cast("Tensor", value)  # mmseg declares a float


def _regions(loss: nn.Module, logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    """Call a loss of regions, which takes the ignored label as an attribute or an argument."""
    own = [name for name in ("ignore_index", "ignore_label") if hasattr(loss, name)]
    for name in own:
        setattr(loss, name, ignored)
    value = loss(logits, labels) if own else _as_mmseg(loss, logits, labels, ignored)
    value = value.mean() if value.dim() else value  # the Lovász loss of no pixel is an empty map
    # without pixels, some losses are NaN and some are not connected to the logits
    return torch.where(torch.isfinite(value), value, 0) + logits.sum() * 0


def _distance(loss: nn.Module, logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    raise ValueError(
        "it takes the numbers of classes for values, and ignored pixels for class 0; take DiceLoss "
        "or LovaszLoss"
    )


#: How a head calls each loss of mmseg and mmpretrain.
CALLS = {
    "mmseg.CrossEntropyLoss": _cross_entropy,
    "mmseg.FocalLoss": _focal,
    "mmseg.DiceLoss": _dice,
    "mmseg.LovaszLoss": _regions,
    "mmseg.TverskyLoss": _regions,
    "mmseg.OhemCrossEntropy": _regions,
    "mmseg.HuasdorffDisstanceLoss": _distance,
    "mmpretrain.AsymmetricLoss": _each,
    "mmpretrain.CrossEntropyLoss": _each,
    "mmpretrain.FocalLoss": _each,
    "mmpretrain.LabelSmoothLoss": _each,
    "mmpretrain.SeesawLoss": _each,
}
