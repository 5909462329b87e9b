from .accuracy_metric import AccuracyMetric
from .depth_metric import DepthMetric
from .normals_metric import NormalsMetric
from .segmentation_metric import SegmentationMetric
from .task_metric import TaskMetric

__all__ = ["AccuracyMetric", "DepthMetric", "NormalsMetric", "SegmentationMetric", "TaskMetric"]
