"""Encoders, conditional modules, decoders, heads, losses and the segmentor that joins them."""

from .backbones import CondResNet, CondSwinTransformer, CondVisionTransformer
from .data_preprocessor import MultiTaskDataPreprocessor
from .decoders import ConvUNetDecoder, SwinUNetDecoder
from .heads import ClassificationHead, DepthHead, MultiTaskDecodeHead, SegmentationHead
from .losses import BerHuLoss
from .multitask_segmentor import MultiTaskSegmentor

__all__ = [
    "BerHuLoss",
    "ClassificationHead",
    "CondResNet",
    "CondSwinTransformer",
    "CondVisionTransformer",
    "ConvUNetDecoder",
    "DepthHead",
    "MultiTaskDataPreprocessor",
    "MultiTaskDecodeHead",
    "MultiTaskSegmentor",
    "SegmentationHead",
    "SwinUNetDecoder",
]
