"""Shared encoders."""

from .cond_resnet import CondResNet
from .cond_swin import CondSwinTransformer
from .cond_vit import CondVisionTransformer

__all__ = ["CondResNet", "CondSwinTransformer", "CondVisionTransformer"]
