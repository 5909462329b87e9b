"""IoU (intersection over union) of a segmentation task."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric, check_same_shape

#: Results of each choice of ``iou_metrics``, beside ``aAcc``.
_RESULTS = {
    "mIoU": ("mIoU", "mAcc"),
    "mDice": ("mDice", "mAcc"),
    "mFscore": ("mFscore", "mPrecision", "mRecall"),
}


@METRICS.register_module()
@part_of_kind("segmentation", "metric")
class MultiTaskIoUMetric(TaskMetric, IoUMetric):
    """mmseg's IoU, Dice and F-score for one task, in percent, and its class table.

    With intersection I of predicted area P and true area T of a class, means over classes:

    ========== ====================================== =====================
    name       formula                                of ``iou_metrics``
    ========== ====================================== =====================
    aAcc       sum of I / sum of T, over all classes  any
    mIoU       I / (P + T - I)                        mIoU
    mAcc       I / T                                  mIoU, mDice
    mDice      2 I / (P + T)                          mDice
    mPrecision I / P                                  mFscore
    mRecall    I / T                                  mFscore
    mFscore    2 precision recall / (precision        mFscore
               + recall), NaN if both are 0
    ========== ====================================== =====================

    A class whose value is NaN (0 / 0) is left out of a mean. Formulas are mmseg's own,
    and areas the same; the state is four areas per class summed over all images, not four tensors
    per image.
    Classes and ignore index (default 255) come from the data set's ``metainfo["tasks"][task]``. Its
    ``ignored_classes`` never occur in the ground truth: a prediction of one counts as wrong, but
    the class is left out of the means, in which a single predicted pixel would weigh as much as a
    whole class.

    Args:
        task: Name of the task; ``gt_<task>`` and ``pred_<task>`` hold ``data`` (1, H, W).
        iou_metrics: One or more of ``mIoU``, ``mDice`` and ``mFscore``, as in mmseg.

    Raises:
        ValueError: ``iou_metrics`` has another name. The maps differ in size; a label in the
            prediction is outside the classes, or one in the ground truth that is not the ignore
            index (a histogram drops it silently).
    """

    def __init__(
        self, task: str = "semantic", *, iou_metrics: str | Sequence[str] = ("mIoU",)
    ) -> None:
        super().__init__(task)
        chosen = [iou_metrics] if isinstance(iou_metrics, str) else list(iou_metrics)
        if not chosen or not set(chosen) <= set(_RESULTS):
            raise ValueError(
                f"task '{task}': iou_metrics={iou_metrics!r}: give one or more of "
                f"{', '.join(_RESULTS)}"
            )
        self.metrics = chosen
        self.names = tuple(dict.fromkeys(["aAcc", *(r for c in chosen for r in _RESULTS[c])]))
        self.higher_is_better = dict.fromkeys(self.names, True)

    @property
    def num_sums(self) -> int:
        """Length of the vector: scored pixels, and four areas of each class (as in mmseg)."""
        return 1 + 4 * self.num_classes

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return scored pixels, intersection, union, predicted and true areas of one image."""
        truth, labels, count = target["data"], prediction["data"], self.num_classes
        check_same_shape(truth, labels)
        ignored = truth == (self.dataset_meta or {}).get("ignore_index", 255)
        truth = truth.long().masked_fill(ignored, 0)
        self._check_labels(truth, "ground truth")
        self._check_labels(labels, "prediction")
        truth.masked_fill_(ignored, count)  # a row behind those of the classes
        # one histogram of the pairs; rows are true classes, columns predicted ones
        pairs = truth.mul_(count).add_(labels).flatten()
        pixels = torch.bincount(pairs, minlength=(count + 1) * count).view(count + 1, count)[:-1]
        shared, predicted, true = pixels.diagonal(), pixels.sum(dim=0), pixels.sum(dim=1)
        areas = torch.stack([shared, predicted + true - shared, predicted, true]).double()
        return torch.cat([areas[3].sum()[None], areas.flatten()])

    def _check_labels(self, labels: Tensor, which: str) -> None:
        if labels.numel() and (labels.min() < 0 or labels.max() >= self.num_classes):
            wrong = labels[(labels < 0) | (labels >= self.num_classes)]
            raise ValueError(
                f"the {which} holds labels {wrong.unique().tolist()[:10]} outside the "
                f"{self.num_classes} classes; mend the label maps, the classes or the ignore index"
            )

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Pass the summed areas to mmseg as those of a single image."""
        areas = results[1:].view(4, self.num_classes).clone()
        areas[:, list((self.dataset_meta or {}).get("ignored_classes", ()))] = 0
        metrics = IoUMetric.compute_metrics(self, [tuple(areas)])
        return {name: float(metrics[name]) for name in self.names}
