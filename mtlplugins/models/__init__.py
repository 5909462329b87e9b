"""Encoders, conditional modules, decoders, heads, losses and the segmentor that joins them."""

from .backbones import CondResNet, CondSwinTransformer, CondVisionTransformer, TokenViT
from .batch_augmentation import BatchRandomErase, BatchRandomFlip, BatchRandomShift
from .data_preprocessor import MultiTaskDataPreprocessor
from .decoders import ConvUNetDecoder, SwinUNetDecoder
from .deployed import DeployedModel
from .folding import fold
from .heads import ClassificationHead, DepthHead, MultiTaskDecodeHead, SegmentationHead
from .losses import BerHuLoss
from .multitask_segmentor import MultiTaskSegmentor

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
    "MultiTaskSegmentor",
    "SegmentationHead",
    "SwinUNetDecoder",
    "TokenViT",
    "fold",
]
