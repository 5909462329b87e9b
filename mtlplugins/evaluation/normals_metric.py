"""Metrics of surface normals: the usual six, from angles."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric, check_same_shape

BINS_PER_DEGREE = 100
THRESHOLDS = {"a11": 11.25, "a22": 22.5, "a30": 30.0}  # degrees


@METRICS.register_module()
@part_of_kind("normals", "metric")
class MultiTaskNormalsMetric(TaskMetric):
    """Compare surface normals by the angle to the ground truth, in degrees.

    Over the valid pixels of all images together (Fouhey et al. 2013, "Data-driven 3D primitives for
    single image understanding"):

    ============= =================================================== ========
    name          formula                                             unit
    ============= =================================================== ========
    mean          mean angle                                          degrees
    median        median angle                                        degrees
    rmse          sqrt(mean(angle^2))                                 degrees
    a11, a22, a30 share of pixels with angle < 11.25, 22.5, 30        fraction
    ============= =================================================== ========

    The median is interpolated in a histogram with bins of 0.01 degrees, so it is at most 0.01
    degrees off; the others are exact. The length of a predicted vector does not matter.

    A pixel is valid if its ground truth is finite and not the zero vector. Predictions at other
    pixels are ignored. An image without a valid pixel changes nothing.

    ``protocol="nyuv2-13"`` adds all but ``rmse`` as papers on NYUv2 with 13 classes average them,
    over batches of two images; see :class:`BatchMeans`. They report the mean of these over the last
    ten epochs.

    Args:
        task: Name of the task; ``gt_<task>`` and ``pred_<task>`` hold ``data`` (3, H, W).
        protocol: ``"nyuv2-13"``; None for none.

    Raises:
        ValueError: The maps differ in size; a prediction at a valid pixel is NaN, infinite or zero.
    """

    names = ("mean", "median", "rmse", *THRESHOLDS)
    higher_is_better = dict.fromkeys(names, False) | dict.fromkeys(THRESHOLDS, True)
    protocols: ClassVar = {"nyuv2-13": ("mean", "median", *THRESHOLDS)}

    def __init__(
        self, task: str = "normals", *, protocol: Literal["nyuv2-13"] | None = None
    ) -> None:
        super().__init__(task, protocol=protocol)

    @property
    def num_sums(self) -> int:
        """Length of the vector: count, angle, its square, three thresholds, the histogram."""
        return 3 + len(THRESHOLDS) + 180 * BINS_PER_DEGREE

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return sums over the image's valid pixels."""
        truth, predicted = target["data"], prediction["data"]
        check_same_shape(truth, predicted)
        valid = truth.isfinite().all(dim=0) & (truth != 0).any(dim=0)  # (H, W)
        t, p = truth[:, valid].double(), predicted[:, valid].double()  # (3, N)
        wrong = ~p.isfinite().all(dim=0) | (p == 0).all(dim=0)
        if wrong.any():
            raise ValueError(
                f"{int(wrong.sum())} of {wrong.numel()} predicted normals are NaN, infinite or zero"
            )
        # not acos(cosine), which loses half of the digits of small angles
        cross = torch.linalg.cross(t, p, dim=0).norm(dim=0)
        angle = torch.rad2deg(torch.atan2(cross, (t * p).sum(dim=0)))  # (N,) in 0 … 180
        terms = [torch.ones_like(angle), angle, angle**2]
        terms += [(angle < limit).double() for limit in THRESHOLDS.values()]
        bins = 180 * BINS_PER_DEGREE
        bin_of = (angle * BINS_PER_DEGREE).long().clamp(max=bins - 1)
        histogram = torch.bincount(bin_of, minlength=bins)
        return torch.cat([torch.stack(terms).sum(dim=1), histogram.double()])

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Apply the formulas to the sums."""
        sums, histogram = results[: 3 + len(THRESHOLDS)], results[3 + len(THRESHOLDS) :]
        mean, square, *shares = (sums[1:] / sums[0]).tolist()
        return {
            "mean": mean,
            "median": _median(histogram),
            "rmse": math.sqrt(square),
            **dict(zip(THRESHOLDS, shares, strict=True)),
        }


def _median(histogram: Tensor) -> float:
    """Compute the median in degrees, with counts spread evenly over each bin."""
    below = histogram.cumsum(dim=0)
    half = below[-1] / 2
    # if the halves meet between two bins with empty ones between, take the middle of the gap
    places = torch.stack([torch.searchsorted(below, half, right=r) for r in (False, True)])
    before = below[places] - histogram[places]
    ends = places + (half - before) / histogram[places]
    return float(ends.mean() / BINS_PER_DEGREE)
