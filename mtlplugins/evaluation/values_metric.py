"""Errors of numbers per pixel."""

from __future__ import annotations

import math

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric, check_same_shape


@METRICS.register_module()
@part_of_kind("values", "metric")
class MultiTaskValuesMetric(TaskMetric):
    """Compare numbers per pixel, in their own unit, where all of a pixel's are known.

    With the error e of a pixel's values (K,):

    ==== ==========================================================================
    name meaning
    ==== ==========================================================================
    mae  mean over pixels and values of abs(e)
    rmse root of the mean over pixels and values of e²
    epe  mean over pixels of the length of e (end-point error); mae if K is 1
    ==== ==========================================================================

    Args:
        task: Name of the task; ``gt_<task>`` and ``pred_<task>`` hold ``data`` (K, H, W).
        average: ``"pixel"``: over the pixels of all images together; ``"image"``: the mean over the
            images of each one's own score.

    Raises:
        ValueError: ``average`` is unknown. The maps differ in size, or a prediction is NaN or
            infinite.
    """

    names = ("mae", "rmse", "epe")
    higher_is_better = dict.fromkeys(names, False)
    num_sums = 4

    def __init__(self, task: str, *, average: str = "pixel") -> None:
        super().__init__(task)
        if average not in ("pixel", "image"):
            raise ValueError(f"task '{task}': average is 'pixel' or 'image', got {average!r}")
        self.average = average

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return the count and the sums of abs(e), e² and the length, or 1 and the scores."""
        truth, predicted = target["data"], prediction["data"]
        check_same_shape(truth, predicted)
        valid = truth.isfinite().all(dim=0)  # (H, W)
        error = truth[:, valid].double() - predicted[:, valid].double()  # (K, N)
        if not error.isfinite().all():
            raise ValueError(f"{int((~error.isfinite()).sum())} predicted values are not finite")
        square = (error**2).mean(dim=0)
        length = torch.linalg.vector_norm(error, dim=0)
        terms = torch.stack([torch.ones_like(square), error.abs().mean(dim=0), square, length])
        sums = terms.sum(dim=1)
        if self.average == "pixel" or not sums[0]:
            return sums
        return torch.tensor([1.0, *_scores(sums).values()], dtype=torch.float64)

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Apply the formulas to the sums, or average the scores of the images."""
        if self.average == "pixel":
            return _scores(results)
        return dict(zip(self.names, (results[1:] / results[0]).tolist(), strict=True))


def _scores(sums: Tensor) -> dict[str, float]:
    mae, square, length = (sums[1:] / sums[0]).tolist()
    return dict(mae=mae, rmse=math.sqrt(square), epe=length)
