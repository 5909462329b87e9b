"""IoU (intersection over union) of a segmentation task."""

from __future__ import annotations

import torch
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric, check_same_shape


@METRICS.register_module()
@part_of_kind("segmentation", "metric")
class MultiTaskIoUMetric(TaskMetric, IoUMetric):
    """mmseg's IoU for one task: ``aAcc``, ``mIoU`` and ``mAcc`` in percent, and its class table.

    Areas and formulas are mmseg's own; only the state differs: four areas per class summed over all
    images, not four tensors per image. Classes and ignore index (default 255) come from the data
    set's ``metainfo["tasks"][task]``. Its ``ignored_classes`` never occur in the ground truth: a
    prediction of one counts as wrong, but the class is left out of the means, in which a single
    predicted pixel would weigh as much as a whole class.

    Args:
        task: Name of the task; ``gt_<task>`` and ``pred_<task>`` hold ``data`` (1, H, W).

    Raises:
        ValueError: The maps differ in size; a label in the prediction is outside the classes, or
            one in the ground truth that is not the ignore index (a histogram drops it silently).
    """

    names = ("aAcc", "mIoU", "mAcc")
    higher_is_better = dict(aAcc=True, mIoU=True, mAcc=True)

    def __init__(self, task: str = "semantic") -> None:
        super().__init__(task)

    @property
    def num_sums(self) -> int:
        """Length of the vector: scored pixels, and four areas of each class (as in mmseg)."""
        return 1 + 4 * self.num_classes

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return scored pixels, intersection, union, predicted and true areas of one image."""
        truth, labels, num_classes = target["data"], prediction["data"], self.num_classes
        check_same_shape(truth, labels)
        ignore_index = (self.dataset_meta or {}).get("ignore_index", 255)
        self._check_labels(truth[truth != ignore_index], "ground truth")
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
        """Pass the summed areas to mmseg as those of a single image."""
        areas = results[1:].view(4, self.num_classes).clone()
        areas[:, list((self.dataset_meta or {}).get("ignored_classes", ()))] = 0
        metrics = IoUMetric.compute_metrics(self, [tuple(areas)])
        return {name: float(metrics[name]) for name in self.names}
