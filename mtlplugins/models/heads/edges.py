"""Head for edges."""

from __future__ import annotations

from collections.abc import Sequence

from mmseg.registry import MODELS

from mtlplugins.kinds import part_of_kind

from .mask import MaskHead


@MODELS.register_module()
@part_of_kind("edges", "head")
class EdgesHead(MaskHead):
    """Probability that a pixel is on an edge.

    Args:
        in_channels: Channels of the decoder's map.
        loss: As of :class:`MaskHead`; by default balanced, as few pixels are on edges.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        loss: dict | Sequence[dict] = dict(type="BalancedBCELoss"),  # noqa: B006, read only
    ) -> None:
        super().__init__(in_channels, loss=loss)
