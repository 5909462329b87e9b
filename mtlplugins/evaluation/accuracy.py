"""Top-k accuracy of an image-level task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric


@METRICS.register_module()
@part_of_kind("classification", "metric")
class MultiTaskAccuracy(TaskMetric):
    """Percentage of images whose true class is among the k highest scores (``top1``, ...).

    Between equal scores the lower class index ranks first, as in argmax. ``cross_entropy`` adds the
    mean of -log(score of the true class), natural logarithm.

    Args:
        task: Name of the task; ``gt_<task>`` holds ``label`` (1,), ``pred_<task>`` holds ``score``
            (num_classes,).
        topk: Values of k.
        cross_entropy: Whether to report the cross-entropy too.

    Raises:
        ValueError: ``k`` is below 1 or above the number of classes; a label is outside the classes;
            the number of scores differs from that of the classes, or a score is NaN.
    """

    def __init__(
        self, task: str, *, topk: Sequence[int] = (1,), cross_entropy: bool = False
    ) -> None:
        super().__init__(task)
        if not topk or min(topk) < 1:
            raise ValueError(f"task '{task}': topk must hold numbers >= 1, got {tuple(topk)}")
        self.topk = tuple(topk)
        self.names = tuple(f"top{k}" for k in self.topk)
        self.higher_is_better = dict.fromkeys(self.names, True)
        self.cross_entropy = cross_entropy
        if cross_entropy:
            self.names += ("cross_entropy",)
            self.higher_is_better["cross_entropy"] = False

    @property
    def num_sums(self) -> int:
        """Length of the vector: images, hits for each k, cross-entropy if it is reported."""
        return 1 + len(self.names)

    def _check_dataset(self, meta: dict[str, Any]) -> None:
        if max(self.topk) > len(meta["classes"]):
            raise ValueError(
                f"task '{self.task}': topk={self.topk} asks for more classes than the "
                f"{len(meta['classes'])} that the task has"
            )

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return ``[1, hit for each k]``, with ``-log(score)`` if the cross-entropy is reported."""
        label, scores = target["label"], prediction["score"]
        if label.numel() != 1 or not 0 <= int(label) < self.num_classes:
            raise ValueError(
                f"the label {label.tolist()} must be one class index below {self.num_classes}"
            )
        if scores.shape != (self.num_classes,) or scores.isnan().any():
            raise ValueError(
                f"expected {self.num_classes} scores without NaN, got shape "
                f"{tuple(scores.shape)} with {int(scores.isnan().sum())} NaN"
            )
        ranking = scores.argsort(descending=True, stable=True)  # (num_classes,)
        rank = int((ranking == label).nonzero())
        sums = [1.0, *(float(rank < k) for k in self.topk)]
        if self.cross_entropy:
            # a float32 score may underflow to 0; clamp it to the smallest normal number
            least = torch.finfo(torch.float32).tiny
            sums.append(-float(scores[int(label)].double().clamp(min=least).log()))
        return torch.tensor(sums, dtype=torch.float64)

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Compute the share of hits in percent, and the mean cross-entropy."""
        means = (results[1:] / results[0]).tolist()
        hits = len(self.topk)
        return dict(zip(self.names, [100 * m for m in means[:hits]] + means[hits:], strict=True))
