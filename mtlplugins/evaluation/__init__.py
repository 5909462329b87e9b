"""Metrics: one per kind of target."""

from .accuracy import MultiTaskAccuracy
from .depth_metric import MultiTaskDepthMetric
from .iou_metric import MultiTaskIoUMetric
from .multi_label_metric import MultiTaskMultiLabelMetric
from .normals_metric import MultiTaskNormalsMetric
from .pixels_metric import MultiTaskPixelsMetric
from .regression_metric import MultiTaskRegressionMetric
from .task_metric import TaskMetric

__all__ = [
    "MultiTaskAccuracy",
    "MultiTaskDepthMetric",
    "MultiTaskIoUMetric",
    "MultiTaskMultiLabelMetric",
    "MultiTaskNormalsMetric",
    "MultiTaskPixelsMetric",
    "MultiTaskRegressionMetric",
    "TaskMetric",
]
