"""Head that predicts the probability of a crack."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from mtlplugins.kinds import part_of_kind
from mtlplugins.models.heads import DenseHead


@MODELS.register_module()
@part_of_kind("cracks", "head")
class CrackHead(DenseHead):
    """Binary cross-entropy over the pixels whose crack is known."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels, 1)

    def loss(self, logits: Tensor, targets: Sequence[PixelData]) -> dict[str, Tensor]:
        logits, target = self.stack(logits, targets)
        known = target >= 0
        return dict(loss=binary_cross_entropy_with_logits(logits[known], target[known]))

    def num_targets(self, targets: Sequence[PixelData]) -> Tensor:
        return sum((target.data >= 0).sum() for target in targets)

    def postprocess(self, logits: Tensor) -> Tensor:
        return logits.float().sigmoid()
