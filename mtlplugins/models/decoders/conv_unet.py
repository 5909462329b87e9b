"""Convolutional U-Net decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mtlplugins.models.layers import for_convolutions

from .maps import check_maps


@MODELS.register_module()
class ConvUNetDecoder(BaseModule):
    """U-Net decoder that upsamples to the resolution of the finest map (Ronneberger et al. 2015).

    Starting from the coarsest map, each stage upsamples bilinearly, concatenates the encoder's next
    map and applies two 3 x 3 convolutions. Interpolation replaces the paper's learned
    up-convolution and leaves no checkerboard artefacts. The decoder is cheap and learns from little
    data; the head's logits are interpolated to the image's size.

    Args:
        in_channels: Channels of the encoder's maps, finest first.
        channels: Channels of the decoder's maps, finest first, one fewer than ``in_channels``.
        norm_cfg: Norm after each convolution.

    Raises:
        ValueError: ``channels`` or the maps do not fit ``in_channels``.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: Sequence[int],
        *,
        norm_cfg: dict = dict(type="BN"),  # noqa: B006, read only
    ) -> None:
        super().__init__(init_cfg=dict(type="Kaiming", layer="Conv2d"))
        if len(channels) != len(in_channels) - 1:
            raise ValueError(
                f"ConvUNetDecoder: channels={tuple(channels)} needs {len(in_channels) - 1} "
                f"numbers, one for each of in_channels={tuple(in_channels)} but the last"
            )
        self.in_channels = tuple(in_channels)
        below = (*channels[1:], in_channels[-1])
        self.stages = nn.ModuleList(
            nn.Sequential(
                ConvModule(coarse + skip, out, 3, padding=1, norm_cfg=norm_cfg),
                ConvModule(out, out, 3, padding=1, norm_cfg=norm_cfg),
            )
            for coarse, skip, out in zip(below, in_channels[:-1], channels, strict=True)
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Decode maps (n, C, H, W), finest first, to (n, channels[0], H, W) at the finest size."""
        check_maps("ConvUNetDecoder", features, self.in_channels)
        x = features[-1]
        for stage, skip in zip(self.stages[::-1], features[-2::-1], strict=True):
            x = interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            x = stage(for_convolutions(torch.cat([x, skip], dim=1)))
        return x.contiguous()  # some of mmseg's heads flatten it with view
