"""Intersection over union of a segmentation task."""

from __future__ import annotations

import torch
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric


@METRICS.register_module()
@part_of_kind("segmentation", "metric")
class MultiTaskIoUMetric(TaskMetric, IoUMetric):
    """mmseg's IoU for one task: ``aAcc``, ``mIoU`` and ``mAcc`` in percent, and its class table.

    The areas and formulas are mmseg's own; only what is kept differs: four areas per class summed
    over all images, not four tensors per image. Classes and ignore index (255 if it names none) are
    those of the data set's ``metainfo["tasks"][task]``. Of its ``ignored_classes``, which are never
    the truth, predictions are wrong as any other; but they are not averaged over, where a single
    pixel of one would count as much as a whole class.

    Args:
        task: Name of the task; ``gt_<task>`` and ``pred_<task>`` hold ``data`` (1, H, W).

    Raises:
        ValueError: Maps of different sizes; a label outside the classes in the prediction, or one
            other than the ignore index in the ground truth (a histogram would drop it silently).
    """

    names = ("aAcc", "mIoU", "mAcc")
    higher_is_better = dict(aAcc=True, mIoU=True, mAcc=True)

    def __init__(self, task: str = "semantic") -> None:
        super().__init__(task)

    @property
    def num_sums(self) -> int:
        """Scored pixels, then intersection, union, predicted and true area of each class."""
        return 1 + 4 * self.num_classes

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Areas of one image, in pixels."""
        truth, labels, num_classes = target["data"], prediction["data"], self.num_classes
        if truth.shape != labels.shape:
            raise ValueError(
                f"the truth is {tuple(truth.shape)} but the prediction {tuple(labels.shape)}; "
                "the model must bring its prediction to the truth's size"
            )
        ignore_index = self.dataset_meta.get("ignore_index", 255)
        self._check_labels(truth[truth != ignore_index], "truth")
        self._check_labels(labels, "prediction")
        areas = self.intersect_and_union(labels, truth, num_classes, ignore_index)
        areas = torch.stack(areas).double()  # (4, num_classes)
        return torch.cat([areas[3].sum()[None], areas.flatten()])

    def _check_labels(self, labels: Tensor, which: str) -> None:
        wrong = labels[(labels < 0) | (labels >= self.num_classes)]
        if wrong.numel():
            raise ValueError(
                f"the {which} holds labels {wrong.unique().tolist()[:10]} outside the "
                f"{self.num_classes} classes; mend the label maps, the classes or the ignore index"
            )

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Hand the summed areas to mmseg as if they were one image's."""
        areas = results[1:].view(4, self.num_classes).clone()
        areas[:, list(self.dataset_meta.get("ignored_classes", ()))] = 0
        metrics = IoUMetric.compute_metrics(self, [tuple(areas)])
        return {name: float(metrics[name]) for name in self.names}
