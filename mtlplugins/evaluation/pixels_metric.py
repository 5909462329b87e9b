"""Errors of colours of pixels."""

from __future__ import annotations

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric, check_same_shape


@METRICS.register_module()
@part_of_kind("pixels", "metric")
class MultiTaskPixelsMetric(TaskMetric):
    """Compare colours of pixels in 0 … 1 by their mean absolute error, over all channels.

    ``mae`` is over the pixels of all images together whose ground truth is finite.

    Args:
        task: Name of the task; ``gt_<task>`` and ``pred_<task>`` hold ``data`` (3, H, W).

    Raises:
        ValueError: The maps differ in size, or a prediction is NaN or infinite.
    """

    names = ("mae",)
    higher_is_better = dict(mae=False)
    num_sums = 2  # pixels, absolute errors

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return the count and the absolute errors of the image's valid pixels."""
        truth, predicted = target["data"], prediction["data"]
        check_same_shape(truth, predicted)
        valid = truth.isfinite().all(dim=0)  # (H, W)
        error = (truth[:, valid].double() - predicted[:, valid].double()).abs().mean(dim=0)
        if not error.isfinite().all():
            raise ValueError(f"{int((~error.isfinite()).sum())} predicted pixels are not finite")
        return torch.stack([torch.ones_like(error), error]).sum(dim=1)

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Apply the formula to the sums."""
        return dict(mae=float(results[1] / results[0]))
