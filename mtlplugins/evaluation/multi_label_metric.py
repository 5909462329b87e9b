"""Scores of several labels per image: mean average precision, precision, recall, F1."""

from __future__ import annotations

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric

_STEPS = 32  # bins per unit of the logarithm of odds
_LARGEST = 20  # logarithm of odds beyond which scores count as equal
_BINS = 2 * _LARGEST * _STEPS


@METRICS.register_module()
@part_of_kind("multilabel", "metric")
class MultiTaskMultiLabelMetric(TaskMetric):
    """Compare several labels per image, in percent, averaged over the classes that occur.

    ========= ==========================================================================
    name      formula of a class
    ========= ==========================================================================
    mAP       sum over thresholds of precision times the increase of recall (average
              precision, of all images by score), as scikit-learn and mmpretrain define it
    precision share of the images predicted to have the class that have it; 0 if none is
    recall    share of the images of the class that are predicted to have it
    f1        2 precision recall / (precision + recall); 0 if both are 0
    ========= ==========================================================================

    Average precision is computed from a histogram of scores: scores whose odds differ by less than
    about 3% may count as equal. The others compare the predicted labels, for which the head applies
    its threshold.

    Args:
        task: Name of the task; ``gt_<task>`` holds ``label`` (K,) of 0 and 1, ``pred_<task>``
            ``label`` too, and ``score`` (K,).

    Raises:
        ValueError: The number of labels or scores differs from that of the classes, a label is
            neither 0 nor 1, or a score is outside 0 … 1 or NaN.
    """

    names = ("mAP", "precision", "recall", "f1")
    higher_is_better = dict.fromkeys(names, True)

    @property
    def num_sums(self) -> int:
        """Length of the vector: images; per class true positives, predicted, true; histograms."""
        return 1 + self.num_classes * (3 + 2 * _BINS)

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return ``[1, counts (3, K), scores with and without the class (2, K, bins)]``."""
        truth = self._labels(target["label"], "ground truth")
        predicted = self._labels(prediction["label"], "prediction")
        scores = prediction["score"].double()
        if scores.shape != truth.shape or not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError(
                f"expected {self.num_classes} scores from 0 to 1, got {tuple(scores.shape)}: "
                f"{scores.flatten()[:5].tolist()}"
            )
        counts = torch.stack([truth * predicted, predicted, truth])  # (3, K)
        odds = torch.logit(scores).clamp(-_LARGEST, _LARGEST)
        bins = ((odds + _LARGEST) * _STEPS).long().clamp(max=_BINS - 1)[:, None]  # (K, 1)
        histogram = torch.zeros(2, self.num_classes, _BINS, dtype=torch.float64)
        histogram[0].scatter_(1, bins, truth[:, None])
        histogram[1].scatter_(1, bins, 1 - truth[:, None])
        return torch.cat([torch.ones(1).double(), counts.flatten(), histogram.flatten()])

    def _labels(self, labels: Tensor, which: str) -> Tensor:
        if labels.shape != (self.num_classes,) or not ((labels == 0) | (labels == 1)).all():
            raise ValueError(
                f"the labels of the {which}, {labels.flatten()[:5].tolist()} of shape "
                f"{tuple(labels.shape)}, must be {self.num_classes} of 0 and 1"
            )
        return labels.double()

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Compute the scores of each class and average them over the classes that occur."""
        size = 1 + 3 * self.num_classes
        right, predicted, true = results[1:size].view(3, self.num_classes)
        occurs = true > 0
        if not occurs.any():
            return dict.fromkeys(self.names, float("nan"))
        precision = right / predicted.clamp(min=1)
        recall = right / true.clamp(min=1)
        f1 = 2 * right / (predicted + true).clamp(min=1)
        found = _average_precision(results[size:].view(2, self.num_classes, _BINS))
        values = dict(mAP=found, precision=precision, recall=recall, f1=f1)
        return {name: 100 * float(value[occurs].mean()) for name, value in values.items()}


def _average_precision(histogram: Tensor) -> Tensor:
    """Compute the average precision (K,) from the scores (2, K, bins) with and without a class."""
    with_class, without = histogram.flip(2)  # the highest scores first
    hits, seen = with_class.cumsum(1), (with_class + without).cumsum(1)
    gained = with_class / with_class.sum(1, keepdim=True).clamp(min=1)
    return (gained * hits / seen.clamp(min=1)).sum(1)
