"""Head for ordered classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.structures import LabelData
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, pad

from mtlplugins.kinds import part_of_kind

from .base import check_num_classes
from .image_head import ImageHead, checked_labels


@MODELS.register_module()
@part_of_kind("ordinal", "head")
class OrdinalHead(ImageHead):
    """Class of an order, by the probability of a higher class given that it is not a lower one.

    K - 1 logits for K classes; the loss is the binary cross-entropy of each for the images that it
    is about (CORN, Shi et al. 2021, arXiv:2111.08851). The prediction is the median class.

    Args:
        in_channels: Channels of the encoder's last map or vector.
        num_classes: Number K of classes.
        hidden: Width of each hidden layer.
        dropout: Dropout after each hidden layer.
        init_cfg: Initialisation of the linear layers.

    Raises:
        ValueError: ``num_classes`` is below 2.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        hidden: Sequence[int] = (),
        dropout: float = 0.0,
        init_cfg: dict = dict(type="TruncNormal", std=0.02, layer="Linear"),  # noqa: B006
    ) -> None:
        check_num_classes("OrdinalHead", num_classes)
        super().__init__(
            in_channels, num_classes - 1, hidden=hidden, dropout=dropout, init_cfg=init_cfg
        )
        self.num_classes = num_classes

    def loss(self, logits: Tensor, targets: Sequence[LabelData]) -> dict[str, Tensor]:
        """Compare logits (n, K - 1) with labels int64 (1,).

        Returns:
            ``loss`` and ``mae``, the mean distance of the predicted class in steps.

        Raises:
            ValueError: A label is not in 0 … K - 1.
        """
        labels = checked_labels(targets, self.num_classes)
        target = labels.to(logits.device, non_blocking=True)[:, None]
        steps = torch.arange(self.num_classes - 1, device=logits.device)
        with torch.autocast(logits.device.type, enabled=False):
            x, higher, known = logits.float(), (target > steps).float(), target >= steps
            each = binary_cross_entropy_with_logits(x, higher, reduction="none")
            loss = torch.where(known, each, 0).sum() / known.sum().clamp(min=1)
        distance = (_median(self.postprocess(logits)) - target[:, 0]).abs().float()
        return dict(loss=loss, mae=distance.mean())

    def postprocess(self, logits: Tensor) -> Tensor:
        """Turn logits (n, K - 1) into probabilities of the classes, float32 (n, K)."""
        higher = logits.float().sigmoid().cumprod(dim=1)  # P(class > k)
        return pad(higher, (1, 0), value=1.0) - pad(higher, (0, 1))

    def merge(self, views: Tensor) -> LabelData:
        """Average the probabilities of the views (v, K - 1); the median class."""
        score = self.postprocess(views).mean(dim=0)
        return LabelData(label=_median(score[None]), score=score)


def _median(scores: Tensor) -> Tensor:
    """Return the first class (n,) up to which the probabilities (n, K) add up to one half."""
    return (scores.cumsum(dim=1)[:, :-1] < 0.5).sum(dim=1)
