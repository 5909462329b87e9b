"""Heads: prediction, loss and post-processing of each kind of task."""

from .base import DenseHead, TaskHead
from .classification import ClassificationHead
from .decode_head import MultiTaskDecodeHead
from .depth import DepthHead
from .normals import NormalsHead
from .segmentation import SegmentationHead

__all__ = [
    "ClassificationHead",
    "DenseHead",
    "DepthHead",
    "MultiTaskDecodeHead",
    "NormalsHead",
    "SegmentationHead",
    "TaskHead",
]
