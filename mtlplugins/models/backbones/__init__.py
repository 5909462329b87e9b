"""Encoders that the tasks share."""

from .cond_resnet import CondResNet
from .cond_swin import CondSwinTransformer
from .cond_timm import CondTimmBackbone
from .cond_vit import CondVisionTransformer
from .resnet9 import ResNet9
from .token_vit import TokenViT

__all__ = [
    "CondResNet",
    "CondSwinTransformer",
    "CondTimmBackbone",
    "CondVisionTransformer",
    "ResNet9",
    "TokenViT",
]
