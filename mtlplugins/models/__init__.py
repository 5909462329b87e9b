"""Encoders, conditional modules, decoders, heads, losses and the model that joins them."""

from .backbones import CondResNet, CondSwinTransformer, CondVisionTransformer, TokenViT
from .batch_augmentation import BatchRandomErase, BatchRandomFlip, BatchRandomShift
from .data_preprocessor import MultiTaskDataPreprocessor
from .decoders import ConvUNetDecoder, SwinUNetDecoder
from .heads import ClassificationHead, DepthHead, MultiTaskDecodeHead, SegmentationHead
from .inference.deployed import DeployedModel
from .inference.folding import fold
from .losses import BerHuLoss
from .multitask_model import MultiTaskModel

__all__ = [
    "BatchRandomErase",
    "BatchRandomFlip",
    "BatchRandomShift",
    "BerHuLoss",
    "ClassificationHead",
    "CondResNet",
    "CondSwinTransformer",
    "CondVisionTransformer",
    "ConvUNetDecoder",
    "DeployedModel",
    "DepthHead",
    "MultiTaskDataPreprocessor",
    "MultiTaskDecodeHead",
    "MultiTaskModel",
    "SegmentationHead",
    "SwinUNetDecoder",
    "TokenViT",
    "fold",
]
