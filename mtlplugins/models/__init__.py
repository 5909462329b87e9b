"""The multi-task model and its parts: encoders, conditional modules, decoders, heads, losses."""

from .backbones import (
    CondResNet,
    CondSwinTransformer,
    CondTimmBackbone,
    CondVisionTransformer,
    TokenViT,
)
from .balancing import (
    DWA,
    FAMO,
    IMTLG,
    MGDA,
    STCH,
    UWSO,
    AlignedMTL,
    CAGrad,
    ConFIG,
    DualProj,
    FairGrad,
    Fixed,
    Geometric,
    GradDrop,
    GradNorm,
    Log,
    NashMTL,
    PCGrad,
    Random,
    Uncertainty,
    UPGrad,
)
from .batch_augmentation import BatchRandomErase, BatchRandomFlip, BatchRandomShift
from .data_preprocessor import MultiTaskDataPreprocessor
from .decoders import ConvUNetDecoder, SwinUNetDecoder
from .distributed import MultiTaskDistributedDataParallel
from .heads import (
    ClassificationHead,
    DepthHead,
    MultiLabelHead,
    MultiTaskDecodeHead,
    NormalsHead,
    PixelsHead,
    RegressionHead,
    SegmentationHead,
)
from .inference.deployed import DeployedModel
from .inference.folding import fold
from .losses import BerHuLoss, CosineDirectionLoss
from .multitask_model import MultiTaskModel
from .steps import AllTasks, TaskByTask

__all__ = [
    "DWA",
    "FAMO",
    "IMTLG",
    "MGDA",
    "STCH",
    "UWSO",
    "AlignedMTL",
    "AllTasks",
    "BatchRandomErase",
    "BatchRandomFlip",
    "BatchRandomShift",
    "BerHuLoss",
    "CAGrad",
    "ClassificationHead",
    "ConFIG",
    "CondResNet",
    "CondSwinTransformer",
    "CondTimmBackbone",
    "CondVisionTransformer",
    "ConvUNetDecoder",
    "CosineDirectionLoss",
    "DeployedModel",
    "DepthHead",
    "DualProj",
    "FairGrad",
    "Fixed",
    "Geometric",
    "GradDrop",
    "GradNorm",
    "Log",
    "MultiLabelHead",
    "MultiTaskDataPreprocessor",
    "MultiTaskDecodeHead",
    "MultiTaskDistributedDataParallel",
    "MultiTaskModel",
    "NashMTL",
    "NormalsHead",
    "PCGrad",
    "PixelsHead",
    "Random",
    "RegressionHead",
    "SegmentationHead",
    "SwinUNetDecoder",
    "TaskByTask",
    "TokenViT",
    "UPGrad",
    "Uncertainty",
    "fold",
]
