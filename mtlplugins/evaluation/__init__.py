"""Metrics: one per kind of target."""

from .accuracy import MultiTaskAccuracy
from .depth_metric import MultiTaskDepthMetric
from .edges_metric import MultiTaskEdgesMetric
from .iou_metric import MultiTaskIoUMetric
from .keypoints_metric import MultiTaskKeypointsMetric
from .mask_metric import MultiTaskMaskMetric
from .multi_label_metric import MultiTaskMultiLabelMetric
from .normals_metric import MultiTaskNormalsMetric
from .ordinal_metric import MultiTaskOrdinalMetric
from .pixels_metric import MultiTaskPixelsMetric
from .regression_metric import MultiTaskRegressionMetric
from .task_metric import TaskMetric
from .values_metric import MultiTaskValuesMetric

__all__ = [
    "MultiTaskAccuracy",
    "MultiTaskDepthMetric",
    "MultiTaskEdgesMetric",
    "MultiTaskIoUMetric",
    "MultiTaskKeypointsMetric",
    "MultiTaskMaskMetric",
    "MultiTaskMultiLabelMetric",
    "MultiTaskNormalsMetric",
    "MultiTaskOrdinalMetric",
    "MultiTaskPixelsMetric",
    "MultiTaskRegressionMetric",
    "MultiTaskValuesMetric",
    "TaskMetric",
]
