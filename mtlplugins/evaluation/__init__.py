from mtlplugins.evaluation.accuracy_metric import AccuracyMetric
from mtlplugins.evaluation.depth_metric import DepthMetric
from mtlplugins.evaluation.normals_metric import NormalsMetric
from mtlplugins.evaluation.segmentation_metric import SegmentationMetric
from mtlplugins.evaluation.task_metric import TaskMetric

__all__ = ["AccuracyMetric", "DepthMetric", "NormalsMetric", "SegmentationMetric", "TaskMetric"]
