"""Scores of binary masks and saliency maps."""

from __future__ import annotations

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric, check_same_shape

#: Thresholds of the multi-task papers' saliency scores.
_THRESHOLDS = torch.linspace(0.2, 0.9, 15)
_UNKNOWN = 255


@METRICS.register_module()
@part_of_kind("mask", "metric")
class MultiTaskMaskMetric(TaskMetric):
    """Compare the probability of a mask with the mask, in percent.

    With pixels in both masks (I), in the predicted (P) and in the true one (T), all pooled over the
    images; the prediction is where the probability is above ``threshold``:

    ========= ==================================================================================
    name      meaning
    ========= ==================================================================================
    iou       I / (P + T - I)
    precision I / P; 0 if nothing is predicted
    recall    I / T; 0 if there is nothing
    f1        2 I / (P + T)
    mIoU      the largest, over 15 thresholds from 0.2 to 0.9, of the mean over the images of
              their own I / (P + T - I), which is 1 if both are empty
    maxF      the largest, over the same, of 2 p r / (p + r) of the means over the images of
              their precision p and recall r
    ========= ==================================================================================

    ``mIoU`` and ``maxF`` are the two saliency scores of multi-task papers on PASCAL-Context, as in
    the code of ASTMT (Maninis et al. 2019, arXiv:1904.08918), without its rounding of predictions
    to 8 bits. Papers report one or the other: compare like with like.

    Args:
        task: Name of the task; ``gt_<task>`` holds ``data`` (1, H, W) of 0, 1 and 255 (not scored),
            ``pred_<task>`` probabilities.
        threshold: Probability above which a pixel counts as predicted, for the pooled scores.

    Raises:
        ValueError: ``threshold`` is not between 0 and 1. The maps differ in size, the ground truth
            has other values, or a prediction is outside 0 … 1 or NaN.
    """

    names = ("iou", "precision", "recall", "f1", "mIoU", "maxF")
    higher_is_better = dict.fromkeys(names, True)
    num_sums = 4 + 3 * len(_THRESHOLDS)  # images, I, P, T; IoU, precision, recall by threshold

    def __init__(self, task: str, *, threshold: float = 0.5) -> None:
        super().__init__(task)
        if not 0 < threshold < 1:
            raise ValueError(f"task '{task}': threshold={threshold!r}: give one between 0 and 1")
        self.threshold = threshold

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return ``[1, I, P, T, IoU (15), precision (15), recall (15)]`` of an image."""
        truth, shares = mask_and_shares(target["data"], prediction["data"])
        if not len(truth):
            return torch.zeros(self.num_sums, dtype=torch.float64)
        cuts = torch.cat([torch.tensor([self.threshold]), _THRESHOLDS]).to(shares)
        found = shares[None] > cuts[:, None]  # (16, pixels)
        both, predicted = (found & truth).sum(1).double(), found.sum(1).double()
        true = truth.sum().double()
        either = predicted + true - both
        iou = torch.where(either > 0, both / either.clamp(min=1), 1.0)
        precision, recall = both / predicted.clamp(min=1), both / true.clamp(min=1)
        pooled = torch.stack([torch.ones_like(true), both[0], predicted[0], true])
        return torch.cat([pooled, iou[1:], precision[1:], recall[1:]])

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Apply the formulas to the sums."""
        count, both, predicted, true = results[:4].tolist()
        iou, precision, recall = (results[4:] / count).view(3, -1)
        f = 2 * precision * recall / (precision + recall).clamp(min=1e-12)
        either = predicted + true - both
        values = (
            both / either if either else 1.0,
            both / max(predicted, 1),
            both / max(true, 1),
            2 * both / (predicted + true) if either else 1.0,
            float(iou.max()),
            float(f.max()),
        )
        return {name: 100 * value for name, value in zip(self.names, values, strict=True)}


def mask_and_shares(truth: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Check a mask and a map of probabilities; return their pixels with ground truth, (N,) twice.

    Raises:
        ValueError: See :class:`MultiTaskMaskMetric`.
    """
    check_mask(truth, prediction)
    known = truth != _UNKNOWN
    return truth[known] == 1, prediction[known]


def check_mask(truth: Tensor, prediction: Tensor) -> None:
    """Check the values of a mask and of a map of probabilities.

    Raises:
        ValueError: See :class:`MultiTaskMaskMetric`.
    """
    check_same_shape(truth, prediction)
    if not ((truth <= 1) | (truth == _UNKNOWN)).all():
        raise ValueError(
            f"the ground truth has values {truth.unique().tolist()[:10]}, expected 0, 1 and 255"
        )
    if not ((prediction >= 0) & (prediction <= 1)).all():
        raise ValueError("the prediction is not everywhere a probability from 0 to 1")
