"""F1 score of cracks."""

from __future__ import annotations

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.evaluation import TaskMetric
from mtlplugins.kinds import part_of_kind


@METRICS.register_module()
@part_of_kind("cracks", "metric")
class CrackMetric(TaskMetric):
    """``f1 = 2 tp / (2 tp + fp + fn)`` of the pixels with a probability above one half."""

    names = ("f1",)
    higher_is_better = dict(f1=True)
    num_sums = 4

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        truth, found = target["data"], prediction["data"] > 0.5
        crack, inside = truth == 1, truth == 0
        counts = [(truth >= 0), found & crack, found & inside, ~found & crack]
        return torch.stack([count.sum() for count in counts]).double()

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        _, hits, wrong, missed = results.tolist()
        return dict(f1=2 * hits / max(2 * hits + wrong + missed, 1))
