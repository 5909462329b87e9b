"""Head that predicts colours of pixels."""

from __future__ import annotations

from collections.abc import Sequence

from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .values import MEAN_ABSOLUTE_ERROR, ValuesHead


@MODELS.register_module()
@part_of_kind("pixels", "head")
class PixelsHead(ValuesHead):
    """Colours in 0 … 1, three channels in the image's order.

    Args:
        in_channels: Channels of the decoder's map.
        loss: One of docs/losses.md or of your own, or a list of them, which are added up; called
            with prediction, target and a boolean, all (n, 3, H, W). By default the mean absolute
            error, as in SimMIM (arXiv:2111.09886).
    """

    def __init__(
        self, in_channels: int, *, loss: dict | Sequence[dict] = MEAN_ABSOLUTE_ERROR
    ) -> None:
        super().__init__(in_channels, 3, loss=loss)

    def postprocess(self, logits: Tensor) -> Tensor:
        """Limit logits (n, 3, H, W) to colours, float32 (n, 3, H, W)."""
        return logits.float().clamp(0, 1)
