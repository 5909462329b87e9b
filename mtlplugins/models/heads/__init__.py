"""One head per kind of task."""

from .base import DenseHead, TaskHead
from .classification import ClassificationHead
from .depth import DepthHead
from .segmentation import SegmentationHead

__all__ = ["ClassificationHead", "DenseHead", "DepthHead", "SegmentationHead", "TaskHead"]
