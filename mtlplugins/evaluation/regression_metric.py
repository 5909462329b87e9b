"""Errors of numbers of an image."""

from __future__ import annotations

import math

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric, check_same_shape


@METRICS.register_module()
@part_of_kind("regression", "metric")
class MultiTaskRegressionMetric(TaskMetric):
    """Compare numbers per image, in their own unit, over all images and numbers together.

    ``mae`` is mean(abs(p - t)), ``rmse`` sqrt(mean((p - t)^2)).

    Args:
        task: Name of the task; ``gt_<task>`` and ``pred_<task>`` hold ``numbers`` (K,).

    Raises:
        ValueError: The prediction has another number of numbers, or one is NaN or infinite.
    """

    names = ("mae", "rmse")
    higher_is_better = dict.fromkeys(names, False)
    num_sums = 3  # numbers, absolute errors, squared errors

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return the count, the absolute and the squared errors of an image."""
        truth, predicted = target["numbers"].double(), prediction["numbers"].double()
        check_same_shape(truth, predicted)
        if not predicted.isfinite().all():
            raise ValueError(f"the predicted numbers {predicted.tolist()} are not all finite")
        error = (predicted - truth).abs()
        return torch.stack([torch.ones_like(error), error, error**2]).sum(dim=1)

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Apply the formulas to the sums."""
        count, error, square = results.tolist()
        return dict(mae=error / count, rmse=math.sqrt(square / count))
