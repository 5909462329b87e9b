"""Head that predicts colours of pixels."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.kinds import part_of_kind
from mtlplugins.models.losses.of_measures import measure_criterion
from mtlplugins.structures import data_of

from .base import DenseHead

_MEAN_ABSOLUTE_ERROR = dict(type="mmpretrain.PixelReconstructionLoss", criterion="L1")


@MODELS.register_module()
@part_of_kind("pixels", "head")
class PixelsHead(DenseHead):
    """Colours in 0 … 1, three channels in the image's order.

    Args:
        in_channels: Channels of the decoder's map.
        loss: One of docs/losses.md or of your own, or a list of them, which are added up; called
            with (prediction, target, valid): maps (n, 3, H, W) twice, and a boolean map (n, H, W).
            By default the mean absolute error, as in SimMIM (arXiv:2111.09886).
    """

    def __init__(
        self,
        in_channels: int,
        *,
        loss: dict | Sequence[dict] = _MEAN_ABSOLUTE_ERROR,
    ) -> None:
        super().__init__(in_channels, 3)
        self.criterion = measure_criterion("PixelsHead", loss, channels=3)

    def loss(self, logits: Tensor, targets: Sequence[PixelData]) -> dict[str, Tensor]:
        """Compare logits (n, 3, h, w) with colours, float32 (3, H, W), NaN where not asked for."""
        logits, target = self.stack(logits, targets)
        valid = target.isfinite().all(dim=1)
        return dict(loss=self.criterion(logits.float(), target.nan_to_num(), valid))

    def num_targets(self, targets: Sequence[PixelData]) -> int | Tensor:
        """Count the pixels that have a colour to predict."""
        return sum(data_of(target).isfinite().all(dim=0).sum() for target in targets)

    def postprocess(self, logits: Tensor) -> Tensor:
        """Limit logits (n, 3, H, W) to colours, float32 (n, 3, H, W)."""
        return logits.float().clamp(0, 1)
