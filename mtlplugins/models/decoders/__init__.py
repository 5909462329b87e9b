"""Decoders of dense tasks."""

from .conv_unet import ConvUNetDecoder
from .cross_task import CrossTaskAttention
from .swin_unet import SwinUNetDecoder

__all__ = ["ConvUNetDecoder", "CrossTaskAttention", "SwinUNetDecoder"]
