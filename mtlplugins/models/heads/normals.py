"""Head for surface normals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn.functional import normalize

from mtlplugins.kinds import part_of_kind
from mtlplugins.models.losses.of_measures import measure_criterion
from mtlplugins.structures import data_of

from .base import DenseHead


@MODELS.register_module()
@part_of_kind("normals", "head")
class NormalsHead(DenseHead):
    """Unit normals in the camera frame: three channels, normalised to length 1.

    Args:
        in_channels: Channels of the decoder's map.
        loss: One of docs/losses.md or of your own, or a list of them, which are added up; called
            with (prediction, target, valid): unit vectors (n, 3, H, W) twice, and
            a boolean map (n, H, W).
    """

    mirrors = True

    def __init__(
        self,
        in_channels: int,
        *,
        loss: dict | Sequence[dict] = dict(type="CosineDirectionLoss"),  # noqa: B006, read only
    ) -> None:
        super().__init__(in_channels, 3)
        self.criterion = measure_criterion("NormalsHead", loss, channels=3)

    def init_weights(self) -> None:
        """Start near (0, 0, -1), a wall straight ahead; at length 0 the direction is arbitrary."""
        super().init_weights()
        with torch.no_grad():
            cast("Tensor", self.conv.bias).copy_(torch.tensor([0.0, 0.0, -1.0]))

    def loss(self, logits: Tensor, targets: Sequence[PixelData]) -> dict[str, Tensor]:
        """Compare logits (n, 3, h, w) with unit normals, float32 (3, H, W), 0 = missing."""
        logits, target = self.stack(logits, targets)
        valid = _valid(target)
        # float32 even under autocast: near 1, bfloat16 cannot separate cosines of 0 and 5 degrees
        return dict(loss=self.criterion(normalize(logits.float(), dim=1), target, valid))

    def num_targets(self, targets: Sequence[PixelData]) -> int | Tensor:
        """Count the pixels that have a normal."""
        return sum(_valid(data_of(target)[None]).sum() for target in targets)

    def postprocess(self, logits: Tensor) -> Tensor:
        """Turn logits (n, 3, H, W) into unit normals, float32 (n, 3, H, W)."""
        return normalize(logits.float(), dim=1)

    def mirror(self, logits: Tensor) -> Tensor:
        """Negate x: a mirrored surface faces the other way."""
        return logits * logits.new_tensor([-1, 1, 1])[:, None, None]

    def merge(self, views: Tensor) -> PixelData:
        """Average the unit vectors of the views (v, 3, H, W), and normalise the mean."""
        return PixelData(data=self.postprocess(self.postprocess(views).mean(dim=0)[None])[0])


def _valid(target: Tensor) -> Tensor:
    """Return where normals (n, 3, H, W) are not the zero vector: (n, H, W)."""
    return (target != 0).any(dim=1)
