"""Encoders, conditional modules, decoders, heads, losses and the segmentor that joins them."""

from .backbones import CondSwinTransformer
from .data_preprocessor import MultiTaskDataPreprocessor
from .decoders import ConvUNetDecoder, SwinUNetDecoder
from .heads import ClassificationHead, DepthHead, SegmentationHead
from .losses import BerHuLoss
from .multitask_segmentor import MultiTaskSegmentor

__all__ = [
    "BerHuLoss",
    "ClassificationHead",
    "CondSwinTransformer",
    "ConvUNetDecoder",
    "DepthHead",
    "MultiTaskDataPreprocessor",
    "MultiTaskSegmentor",
    "SegmentationHead",
    "SwinUNetDecoder",
]
