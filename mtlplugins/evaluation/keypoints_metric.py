"""Share of points that are found near where they are."""

from __future__ import annotations

from math import hypot

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric, check_same_shape

_PEAK = 0.5  # the true map of a point that is there reaches this
_NEAR = 0.9  # share of its largest value, at points


@METRICS.register_module()
@part_of_kind("keypoints", "metric")
class MultiTaskKeypointsMetric(TaskMetric):
    """Compare the highest place of each predicted heat map with the nearest true point.

    Kinds of points that an image has not, or not labelled, are not scored. True points are where
    the true map has at least 0.9 of its largest value. Places are pixels.

    ======== ===============================================================================
    name     meaning
    ======== ===============================================================================
    pck      percentage of the points at most ``distance`` of the image's diagonal away
    distance mean distance in percent of the diagonal
    ======== ===============================================================================

    Args:
        task: Name of the task; ``gt_<task>`` and ``pred_<task>`` hold ``data`` (K, H, W).
        distance: Share of the image's diagonal.

    Raises:
        ValueError: ``distance`` is not between 0 and 1. The maps differ in size, or a prediction is
            NaN or infinite.
    """

    names = ("pck", "distance")
    higher_is_better = dict(pck=True, distance=False)
    num_sums = 3  # points, those found, distances

    def __init__(self, task: str, *, distance: float = 0.05) -> None:
        super().__init__(task)
        if not 0 < distance < 1:
            raise ValueError(f"task '{task}': distance={distance!r}: give a share of the diagonal")
        self.distance = distance

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return the number of points of an image, of those found, and their distances."""
        truth, predicted = target["data"], prediction["data"]
        check_same_shape(truth, predicted)
        if not predicted.isfinite().all():
            raise ValueError("the prediction is not finite everywhere")
        width, diagonal = truth.shape[2], hypot(*truth.shape[1:])
        sums = torch.zeros(3, dtype=torch.float64)
        for true, found in zip(truth, predicted, strict=True):
            if true.isnan().any() or true.max() < _PEAK:
                continue
            place = int(found.argmax())
            places = (true >= _NEAR * true.max()).nonzero().double()
            offset = places - torch.tensor([place // width, place % width])
            share = float(torch.linalg.vector_norm(offset, dim=1).min()) / diagonal
            sums += torch.tensor([1.0, share <= self.distance, share], dtype=torch.float64)
        return sums

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Divide the sums by the number of points."""
        count, found, distance = results.tolist()
        return dict(pck=100 * found / count, distance=100 * distance / count)
