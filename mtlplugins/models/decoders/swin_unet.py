"""U-Net decoder of Swin blocks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.models.layers import CondSwinBlock, Windows

from .maps import check_maps


class PatchExpand(nn.Module):
    """Upsampling by a linear layer: each token becomes ``scale`` × ``scale`` tokens.

    Inverse of patch merging (Swin-Unet, https://arxiv.org/abs/2105.05537, section 3.5).

    Args:
        in_channels: Channels C of the incoming tokens.
        out_channels: Channels of the outgoing tokens.
        scale: Factor of the height and the width.
    """

    def __init__(self, in_channels: int, out_channels: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.expand = nn.Linear(in_channels, scale * scale * out_channels, bias=False)
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, H, W, C) to (n, scale·H, scale·W, out_channels)."""
        n, height, width, _ = x.shape
        x = self.expand(x).view(n, height, width, self.scale, self.scale, -1)
        x = x.transpose(2, 3).reshape(n, height * self.scale, width * self.scale, -1)
        return self.norm(x)


class UpStage(nn.Module):
    """Stage that doubles the resolution, joins the encoder's map and runs two Swin blocks.

    One block attends in plain, one in shifted windows.

    Args:
        channels: Channels of the output; the input has twice as many.
        num_heads: Attention heads.
        window_size: Side of a window in tokens.
        mlp_ratio: Ratio of the MLPs' hidden channels to ``channels``.
    """

    def __init__(
        self, channels: int, *, num_heads: int, window_size: int, mlp_ratio: float
    ) -> None:
        super().__init__()
        self.window_size = window_size
        self.expand = PatchExpand(2 * channels, channels, scale=2)
        self.join = nn.Linear(2 * channels, channels)
        self.blocks = nn.ModuleList(
            CondSwinBlock(
                channels, num_heads, int(mlp_ratio * channels), window_size=window_size, shift=shift
            )
            for shift in (False, True)
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Map (n, h, w, 2C) and the encoder's (n, C, H, W) to (n, H, W, C)."""
        skip = skip.permute(0, 2, 3, 1)
        size = skip.shape[1], skip.shape[2]
        x = self.expand(x)[:, : size[0], : size[1]]  # the encoder rounds odd sides up
        x = self.join(torch.cat([x, skip], dim=-1)).flatten(1, 2)
        windows = Windows.of(x, size, self.window_size)
        order: bool | None = None
        for block in self.blocks:
            shifted = cast("CondSwinBlock", block).shifted
            x = block(windows.move(x, order, shifted), windows)
            order = shifted
        return windows.move(x, order, None).unflatten(1, size)


@MODELS.register_module()
class SwinUNetDecoder(BaseModule):
    """Swin decoder that upsamples to the resolution of the image (the thesis, section 3.1).

    Mirrors a Swin encoder as Swin-Unet does (https://arxiv.org/abs/2105.05537), two blocks a stage.

    Args:
        in_channels: Channels of the encoder's maps, finest first; each is twice the one before.
        num_heads: Attention heads at each scale except the coarsest, finest first.
        window_size: Side of a window in tokens.
        mlp_ratio: Ratio of the MLPs' hidden channels to the channels.
        patch_size: Side in pixels of a token of the finest map; the last upsampling undoes it.

    Raises:
        ValueError: ``in_channels`` does not double from map to map, or ``num_heads`` does not fit
            it.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (96, 192, 384, 768),
        *,
        num_heads: Sequence[int] = (3, 6, 12),
        window_size: int = 7,
        mlp_ratio: float = 4,
        patch_size: int = 4,
    ) -> None:
        super().__init__(init_cfg=dict(type="TruncNormal", std=0.02, layer="Linear"))
        if any(b != 2 * a for a, b in pairwise(in_channels)):
            raise ValueError(
                f"SwinUNetDecoder: in_channels={tuple(in_channels)} must double each time"
            )
        if len(num_heads) != len(in_channels) - 1:
            raise ValueError(
                f"SwinUNetDecoder: num_heads={tuple(num_heads)} needs {len(in_channels) - 1} "
                f"numbers, one for each of in_channels={tuple(in_channels)} but the last"
            )
        for channels, heads in zip(in_channels, num_heads, strict=False):
            if heads < 1 or channels % heads:
                raise ValueError(
                    f"SwinUNetDecoder: num_heads={tuple(num_heads)} must divide in_channels="
                    f"{tuple(in_channels)}"
                )
        self.in_channels = tuple(in_channels)
        self.up_stages = nn.ModuleList(
            UpStage(channels, num_heads=heads, window_size=window_size, mlp_ratio=mlp_ratio)
            for channels, heads in zip(in_channels[-2::-1], num_heads[::-1], strict=True)
        )
        self.to_pixels = PatchExpand(in_channels[0], in_channels[0], scale=patch_size)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Decode the encoder's maps (n, C, H, W), finest first, to (n, in_channels[0], 4H, 4W)."""
        check_maps("SwinUNetDecoder", features, self.in_channels)
        x = features[-1].permute(0, 2, 3, 1)
        for stage, skip in zip(self.up_stages, features[-2::-1], strict=True):
            x = stage(x, skip)
        return self.to_pixels(x).permute(0, 3, 1, 2)
