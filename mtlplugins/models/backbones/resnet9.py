"""Small residual network for images of 32 x 32."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.models.layers import for_convolutions


@MODELS.register_module()
class ResNet9(BaseModule):
    """Residual network of eight 3 x 3 convolutions, made for a short training on small images.

    After Page, "How to train your ResNet" (2018, for DAWNBench's contest on CIFAR-10): a stem and
    three layers that halve the map by max pooling, the first and the last followed by a residual
    block of two convolutions. With a head's linear layer there are nine layers with weights. It
    differs from Page's in pooling before the norm, which halves the norms' and ReLUs' work, and in
    that the head pools by the mean.

    Args:
        channels: Channels of the stem and of the three layers. Page's are 64, 128, 256 and 512.

    Raises:
        ValueError: There are not four positive numbers of channels.
    """

    def __init__(self, channels: Sequence[int] = (64, 128, 256, 512)) -> None:
        super().__init__()
        if len(channels) != 4 or min(channels) < 1:
            raise ValueError(f"ResNet9: channels={tuple(channels)}: give four positive numbers")
        stem, first, second, last = channels
        self.layers = nn.Sequential(
            _convolution(3, stem),
            _convolution(stem, first, pool=True),
            _Residual(first),
            _convolution(first, second, pool=True),
            _convolution(second, last, pool=True),
            _Residual(last),
        )

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode images (B, 3, H, W) to one map (B, channels[3], H / 8, W / 8), rounded down.

        Raises:
            ValueError: A side is below 8 pixels.
        """
        if min(x.shape[-2:]) < 8:
            raise ValueError(f"ResNet9: images of {tuple(x.shape[-2:])}: give at least 8 x 8")
        return (self.layers(for_convolutions(x)),)


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            _convolution(channels, channels), _convolution(channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def _convolution(in_channels: int, out_channels: int, *, pool: bool = False) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        *([nn.MaxPool2d(2)] if pool else []),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )
