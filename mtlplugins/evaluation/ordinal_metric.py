"""Scores of ordered classes."""

from __future__ import annotations

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric


@METRICS.register_module()
@part_of_kind("ordinal", "metric")
class MultiTaskOrdinalMetric(TaskMetric):
    """Compare classes of an order.

    ======== ================================================================================
    name     meaning
    ======== ================================================================================
    accuracy percentage of images with the right class
    within1  percentage of images with the right class or one next to it
    mae      mean distance of predicted and true class, in steps
    kappa    quadratic weighted kappa (Cohen 1968): 1 - sum(d² observed) / sum(d² expected), over
             pairs of classes d steps apart, expected from the frequencies of predicted and true
             classes; 1 if every image has, and is predicted to have, the same class
    ======== ================================================================================

    Args:
        task: Name of the task; ``gt_<task>`` and ``pred_<task>`` hold ``label`` (1,).

    Raises:
        ValueError: A label is outside the classes.
    """

    names = ("accuracy", "within1", "mae", "kappa")
    higher_is_better = dict(accuracy=True, within1=True, mae=False, kappa=True)

    @property
    def num_sums(self) -> int:
        """Length of the vector: images, and counts of each pair of true and predicted class."""
        return 1 + self.num_classes**2

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return 1 and the confusion matrix (K, K) of an image."""
        pair = []
        for which, label in (("truth", target["label"]), ("prediction", prediction["label"])):
            if label.numel() != 1 or not 0 <= int(label) < self.num_classes:
                raise ValueError(
                    f"the label {label.tolist()} of the {which} must be one class index below "
                    f"{self.num_classes}"
                )
            pair.append(int(label))
        sums = torch.zeros(self.num_sums, dtype=torch.float64)
        sums[0] = 1
        sums[1 + pair[0] * self.num_classes + pair[1]] = 1
        return sums

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Apply the formulas to the confusion matrix."""
        shares = (results[1:] / results[0]).view(self.num_classes, self.num_classes)
        steps = torch.arange(self.num_classes, dtype=torch.float64)
        distance = (steps[:, None] - steps).abs()
        expected = float((distance**2 * shares.sum(1)[:, None] * shares.sum(0)).sum())
        observed = float((distance**2 * shares).sum())
        return dict(
            accuracy=100 * float(shares.diagonal().sum()),
            within1=100 * float(shares[distance <= 1].sum()),
            mae=float((distance * shares).sum()),
            kappa=1 - observed / expected if expected else 1.0,
        )
