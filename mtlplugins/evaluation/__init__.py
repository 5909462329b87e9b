"""Metrics: one per kind of target."""

from .accuracy import MultiTaskAccuracy
from .depth_metric import MultiTaskDepthMetric
from .iou_metric import MultiTaskIoUMetric
from .normals_metric import MultiTaskNormalsMetric
from .task_metric import TaskMetric

__all__ = [
    "MultiTaskAccuracy",
    "MultiTaskDepthMetric",
    "MultiTaskIoUMetric",
    "MultiTaskNormalsMetric",
    "TaskMetric",
]
