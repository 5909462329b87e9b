"""One decoder per dense task."""

from .swin_unet import SwinUNetDecoder

__all__ = ["SwinUNetDecoder"]
