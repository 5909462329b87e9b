"""Heads: prediction, loss and post-processing of each kind of task."""

from .base import DenseHead, TaskHead
from .classification import ClassificationHead
from .decode_head import MultiTaskDecodeHead
from .depth import DepthHead
from .edges import EdgesHead
from .flow import FlowHead
from .image_head import ImageHead
from .keypoints import KeypointsHead
from .mask import MaskHead
from .multi_label import MultiLabelHead
from .normals import NormalsHead
from .ordinal import OrdinalHead
from .pixels import PixelsHead
from .regression import RegressionHead
from .segmentation import SegmentationHead
from .values import ValuesHead

__all__ = [
    "ClassificationHead",
    "DenseHead",
    "DepthHead",
    "EdgesHead",
    "FlowHead",
    "ImageHead",
    "KeypointsHead",
    "MaskHead",
    "MultiLabelHead",
    "MultiTaskDecodeHead",
    "NormalsHead",
    "OrdinalHead",
    "PixelsHead",
    "RegressionHead",
    "SegmentationHead",
    "TaskHead",
    "ValuesHead",
]
