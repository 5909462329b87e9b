"""Head for heat maps of points."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.kinds import part_of_kind
from mtlplugins.structures import data_of

from .values import ValuesHead


@MODELS.register_module()
@part_of_kind("keypoints", "head")
class KeypointsHead(ValuesHead):
    """A heat map from 0 to 1 for each kind of point.

    Args:
        in_channels: Channels of the decoder's map.
        num_points: Number K of kinds of points.
        loss: As of :class:`ValuesHead`; by default the mean square error.

    Raises:
        ValueError: ``num_points`` is below 1, or a loss does not fit.
    """

    def __init__(
        self,
        in_channels: int,
        num_points: int,
        *,
        loss: dict | Sequence[dict] = dict(  # noqa: B006, read only
            type="mmpretrain.PixelReconstructionLoss", criterion="L2"
        ),
    ) -> None:
        super().__init__(in_channels, num_points, loss=loss)

    def known(self, target: Tensor) -> Tensor:
        """Return which heat maps (n, K, H, W) are known, each by itself."""
        return target.isfinite()

    def num_targets(self, targets: Sequence[PixelData]) -> int | Tensor:
        """Count the known pixels of all heat maps."""
        return sum(data_of(target).isfinite().sum() for target in targets)
