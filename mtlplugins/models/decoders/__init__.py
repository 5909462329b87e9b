"""Decoders of dense tasks."""

from .conv_unet import ConvUNetDecoder
from .swin_unet import SwinUNetDecoder

__all__ = ["ConvUNetDecoder", "SwinUNetDecoder"]
