"""One decoder per dense task."""

from .conv_unet import ConvUNetDecoder
from .swin_unet import SwinUNetDecoder

__all__ = ["ConvUNetDecoder", "SwinUNetDecoder"]
