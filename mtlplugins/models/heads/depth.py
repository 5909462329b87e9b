"""Head for depth in metres."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt

from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.kinds import part_of_kind
from mtlplugins.models.losses.of_measures import measure_criterion
from mtlplugins.structures import data_of

from .base import DenseHead


@MODELS.register_module()
@part_of_kind("depth", "head")
class DepthHead(DenseHead):
    """Depth in metres, predicted as its reciprocal (the thesis, section 4.3).

    The network predicts 1/depth as a sigmoid times the largest reciprocal, 1/min_depth. The loss
    compares reciprocals, which limits the errors of far pixels.

    Args:
        in_channels: Channels of the decoder's map.
        min_depth: Smallest depth that can be predicted, in metres.
        max_depth: Predictions are clipped to this depth, in metres.
        loss: One of docs/losses.md or of your own, or a list of them, which are added up; called
            with (prediction, target, valid) maps of 1/metres.

    Raises:
        ValueError: Not 0 < min_depth < max_depth.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        min_depth: float,
        max_depth: float,
        loss: dict | Sequence[dict] = dict(type="BerHuLoss"),  # noqa: B006, read only
    ) -> None:
        if not 0 < min_depth < max_depth:
            raise ValueError(
                f"DepthHead: needs 0 < min_depth < max_depth in metres, got {min_depth} and "
                f"{max_depth}"
            )
        super().__init__(in_channels, 1)
        # start in the middle of the range (geometric mean); a zero bias would mean 2 · min_depth
        middle = sqrt(min_depth / max_depth)
        bias = log(middle / (1 - middle))
        self.init_cfg = dict(type="Normal", std=0.01, bias=bias, layer="Conv2d")
        self.min_depth = min_depth
        self.max_depth = max_depth
        self.criterion = measure_criterion("DepthHead", loss, channels=1)

    def reciprocal(self, logits: Tensor) -> Tensor:
        """Turn logits into reciprocal depth in 1/metres, same shape."""
        # float32 even under autocast: bfloat16 has only two to three decimal digits
        return logits.float().sigmoid() / self.min_depth

    def loss(self, logits: Tensor, targets: Sequence[PixelData]) -> dict[str, Tensor]:
        """Compare logits (n, 1, h, w) with depth in metres, float32 (1, H, W), 0 = missing."""
        logits, target = self.stack(logits, targets)
        valid = target > 0
        wanted = target.clamp(min=self.min_depth).reciprocal()
        return dict(loss=self.criterion(self.reciprocal(logits), wanted, valid))

    def num_targets(self, targets: Sequence[PixelData]) -> int | Tensor:
        """Count the pixels that have a depth."""
        return sum((data_of(t) > 0).sum() for t in targets)

    def no_targets(self) -> None:
        """Call the loss on no pixels, as the other ranks wait for its largest error."""
        nothing = self.conv.weight.new_zeros(0)
        self.criterion(nothing, nothing, nothing.bool())

    def postprocess(self, logits: Tensor) -> Tensor:
        """Turn logits (n, 1, H, W) into depth in metres, float32 (n, 1, H, W)."""
        return self.reciprocal(logits).clamp(min=1 / self.max_depth).reciprocal()

    def merge(self, views: Tensor) -> PixelData:
        """Average the depths of the views (v, 1, H, W), in metres."""
        return PixelData(data=self.postprocess(views).mean(dim=0))
