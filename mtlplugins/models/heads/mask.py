"""Head for binary masks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.kinds import part_of_kind
from mtlplugins.models.losses.of_masks import mask_criterion
from mtlplugins.structures import data_of

from .base import DenseHead

#: Marks pixels without ground truth in the targets.
UNKNOWN = 255


@MODELS.register_module()
@part_of_kind("mask", "head")
class MaskHead(DenseHead):
    """Probability that a pixel belongs to one thing: a sigmoid of one channel.

    Args:
        in_channels: Channels of the decoder's map.
        loss: A loss of docs/losses.md, or a list of them, which are added up; by default binary
            cross-entropy. ``BalancedBCELoss`` is for rare pixels.

    Raises:
        ValueError: A loss does not fit.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        loss: dict | Sequence[dict] = dict(  # noqa: B006, read only
            type="CrossEntropyLoss", use_sigmoid=True, avg_non_ignore=True
        ),
    ) -> None:
        super().__init__(in_channels, 1)
        self.criterion = mask_criterion(type(self).__name__, loss)

    def check_targets(self, targets: Sequence[PixelData]) -> None:
        """Check that every value is 0, 1 or 255."""
        for target in targets:
            data = data_of(target)
            if ((data > 1) & (data != UNKNOWN)).any():
                raise ValueError(
                    f"values {data.unique().tolist()[:10]} in a target of {type(self).__name__}, "
                    "which learns from 0 and 1, and 255 without ground truth"
                )

    def loss(self, logits: Tensor, targets: Sequence[PixelData]) -> dict[str, Tensor]:
        """Compare logits (n, 1, h, w) with masks uint8 (1, H, W), 255 without ground truth.

        Returns:
            ``loss`` and ``acc``, the percentage of correct pixels among those with ground truth.

        Raises:
            ValueError: A target on the CPU has values other than 0, 1 and 255.
        """
        logits, target = self.stack(logits, targets)
        valid = target != UNKNOWN
        wanted = target.to(logits.dtype).masked_fill(~valid, 0)
        if target.is_cpu:  # on a GPU, check_targets() has seen them before
            self.check_targets(targets)
        right = (((logits > 0) == (wanted > 0)) & valid).sum()
        return dict(
            loss=self.criterion(logits, wanted, valid),
            acc=100 * right / valid.sum().clamp(min=1),
        )

    def num_targets(self, targets: Sequence[PixelData]) -> int | Tensor:
        """Count the pixels that have ground truth."""
        return sum((data_of(target) != UNKNOWN).sum() for target in targets)

    def postprocess(self, logits: Tensor) -> Tensor:
        """Turn logits (n, 1, H, W) into probabilities, float32 (n, 1, H, W)."""
        return logits.float().sigmoid()

    def merge(self, views: Tensor) -> PixelData:
        """Average the probabilities of the views (v, 1, H, W)."""
        return PixelData(data=torch.mean(self.postprocess(views), dim=0))
