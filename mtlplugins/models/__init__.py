"""The multi-task model and its parts: encoders, conditional modules, decoders, heads, losses."""

from .backbones import CondResNet, CondSwinTransformer, CondVisionTransformer, TokenViT
from .balancing import UWSO, Fixed, Geometric, Log
from .batch_augmentation import BatchRandomErase, BatchRandomFlip, BatchRandomShift
from .data_preprocessor import MultiTaskDataPreprocessor
from .decoders import ConvUNetDecoder, SwinUNetDecoder
from .distributed import MultiTaskDistributedDataParallel
from .heads import (
    ClassificationHead,
    DepthHead,
    MultiTaskDecodeHead,
    NormalsHead,
    SegmentationHead,
)
from .inference.deployed import DeployedModel
from .inference.folding import fold
from .losses import BerHuLoss, CosineDirectionLoss
from .multitask_model import MultiTaskModel
from .steps import AllTasks, TaskByTask

__all__ = [
    "UWSO",
    "AllTasks",
    "BatchRandomErase",
    "BatchRandomFlip",
    "BatchRandomShift",
    "BerHuLoss",
    "ClassificationHead",
    "CondResNet",
    "CondSwinTransformer",
    "CondVisionTransformer",
    "ConvUNetDecoder",
    "CosineDirectionLoss",
    "DeployedModel",
    "DepthHead",
    "Fixed",
    "Geometric",
    "Log",
    "MultiTaskDataPreprocessor",
    "MultiTaskDecodeHead",
    "MultiTaskDistributedDataParallel",
    "MultiTaskModel",
    "NormalsHead",
    "SegmentationHead",
    "SwinUNetDecoder",
    "TaskByTask",
    "TokenViT",
    "fold",
]
