"""Depth metrics: the usual nine, and the mean absolute error."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .task_metric import TaskMetric, check_same_shape


class _Crop(NamedTuple):
    """Part of a map that is scored, for maps of the size ``of``; others are scaled to it."""

    rows: tuple[float, float]
    columns: tuple[float, float]
    of: tuple[int, int]

    def slices(self, size: tuple[int, ...]) -> tuple[slice, slice]:
        """Return rows and columns in a map of ``size`` (H, W), rounded down as the papers' code."""
        ends = zip((self.rows, self.columns), size, self.of, strict=True)
        rows, columns = (slice(*(int(e * n / whole) for e in both)) for both, n, whole in ends)
        return rows, columns


#: The usual crops, with the digits of the evaluation code of monodepth (Godard et al. 2017) and,
#: for NYUv2, of BTS (Lee et al. 2019).
CROPS = {
    "eigen": _Crop((0.3324324, 0.91351351), (0.0359477, 0.96405229), (1, 1)),
    "garg": _Crop((0.40810811, 0.99189189), (0.03594771, 0.96405229), (1, 1)),
    "eigen_nyuv2": _Crop((45, 471), (41, 601), (480, 640)),
}


@METRICS.register_module()
@part_of_kind("depth", "metric")
class MultiTaskDepthMetric(TaskMetric):
    r"""Compare depth maps in metres.

    With ground truth :math:`t`, prediction :math:`p`, :math:`e = \ln p - \ln t`, and means over
    valid pixels (Eigen et al. 2014, "Depth map prediction from a single image using a
    multi-scale deep network", section 4.3, except the last three):

    =========== =================================================== ===========
    name        formula                                             unit
    =========== =================================================== ===========
    d1, d2, d3  share of pixels with max(p/t, t/p) < 1.25^{1, 2, 3}  fraction
    abs_rel     mean(abs(p - t) / t)                                fraction
    sq_rel      mean((p - t)^2 / t)                                 metres
    rmse        sqrt(mean((p - t)^2))                               metres
    rmse_log    sqrt(mean(e^2))                                     log metres
    log10       mean(abs(log10 p - log10 t))                        decades
    silog       100 sqrt(mean(e^2) - mean(e)^2)                     percent
    abs_err     mean(abs(p - t))                                    metres
    =========== =================================================== ===========

    ``silog`` is KITTI's: 100 times the standard deviation of e, which is invariant to the scale of
    the prediction. mmseg's ``DepthMetric`` prints sqrt(mean(e^2) - mean(e)^2 / 2) under
    the same name. ``abs_err`` is the error that multi-task papers on NYUv2 call "Abs Err".

    A pixel is valid if its ground truth is finite and within ``[min_depth, max_depth]``; 0 marks a
    missing value. Predictions at valid pixels are clamped to the same range, so that no logarithm
    of zero is taken; elsewhere they are ignored. An image without a valid pixel changes nothing.

    ``crop`` restricts the score to the part of each map that other papers score: on KITTI that of
    Eigen et al. 2014 (``"eigen"``) or of Garg et al. 2016, "Unsupervised CNN for single view depth
    estimation" (``"garg"``), as shares of the sides; on NYUv2 that of Eigen et al.
    (``"eigen_nyuv2"``), rows 45 to 470 and columns 41 to 600 of 480 x 640 pixels.

    ``median_scaling`` multiplies the prediction of each image by median(t) / median(p) over its
    valid pixels, before clamping (Zhou et al. 2017, "Unsupervised learning of depth and ego-motion
    from video", section 4.1). For predictions whose scale is unknown; scores with and without it
    do not compare.

    ``protocol="nyuv2-13"`` adds ``abs_err`` and ``abs_rel`` as papers on NYUv2 with 13 classes
    average them, over batches of two images; see :class:`BatchMeans`. They report the mean of these
    over the last ten epochs. Their code does not clamp predictions.

    Args:
        task: Name of the task; ``gt_<task>`` and ``pred_<task>`` hold ``data`` (1, H, W).
        min_depth: Lower limit in metres, > 0.
        max_depth: Upper limit in metres; None for none.
        average: "pixel" pools the valid pixels of all images; "image" applies the formulas to each
            image and averages over the images that have a valid pixel.
        crop: ``"eigen"``, ``"garg"`` or ``"eigen_nyuv2"``; None for whole maps.
        median_scaling: Whether to scale each prediction to the median of its ground truth.
        protocol: ``"nyuv2-13"``, with ``average="pixel"``; None for none.

    Raises:
        ValueError: An argument is invalid; the maps differ in size; a prediction is NaN or infinite
            at a valid pixel, or has a median of 0 or below, which cannot be scaled.
    """

    names = (
        "d1", "d2", "d3", "abs_rel", "sq_rel", "rmse", "rmse_log", "log10", "silog", "abs_err",
    )  # fmt: skip
    higher_is_better = dict.fromkeys(names, False) | dict(d1=True, d2=True, d3=True)
    protocols: ClassVar = {"nyuv2-13": ("abs_err", "abs_rel")}

    def __init__(
        self,
        task: str = "depth",
        *,
        min_depth: float = 1e-3,
        max_depth: float | None = None,
        average: Literal["pixel", "image"] = "pixel",
        crop: Literal["eigen", "garg", "eigen_nyuv2"] | None = None,
        median_scaling: bool = False,
        protocol: Literal["nyuv2-13"] | None = None,
    ) -> None:
        super().__init__(task, protocol=protocol)
        if min_depth <= 0:
            raise ValueError(f"task '{task}': min_depth must be > 0 metres, got {min_depth}")
        if max_depth is not None and max_depth <= min_depth:
            raise ValueError(
                f"task '{task}': max_depth ({max_depth}) must be above min_depth ({min_depth})"
            )
        if average not in ("pixel", "image"):
            raise ValueError(f"task '{task}': average is 'pixel' or 'image', got {average!r}")
        if protocol is not None and average != "pixel":
            raise ValueError(
                f"task '{task}': protocol={protocol!r} pools the pixels of a batch, so it needs "
                f"average='pixel', not {average!r}"
            )
        if crop is not None and crop not in CROPS:
            raise ValueError(
                f"task '{task}': crop={crop!r}: give one of {', '.join(CROPS)}, or None for whole "
                "maps"
            )
        self.min_depth = min_depth
        self.max_depth = math.inf if max_depth is None else max_depth
        self.average = average
        self.crop = None if crop is None else CROPS[crop]
        self.median_scaling = median_scaling

    @property
    def num_sums(self) -> int:
        """Length of the vector: a count, and one sum per formula (or one metric per name)."""
        return 1 + len(type(self).names)

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return sums over the image's valid pixels, or ``[1, metrics]`` for the mean per image."""
        sums = self._pixel_sums(target["data"], prediction["data"])
        if self.average == "pixel" or sums[0] == 0:
            return sums
        metrics = _metrics_from_pixel_sums(sums)
        return torch.tensor([1.0, *(metrics[name] for name in self.names)], dtype=torch.float64)

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Apply the formulas to the sums, or average the metrics over the images."""
        if self.average == "pixel":
            return _metrics_from_pixel_sums(results)
        return dict(zip(self.names, (results[1:] / results[0]).tolist(), strict=True))

    def _pixel_sums(self, truth: Tensor, prediction: Tensor) -> Tensor:
        """Float64 (11,): count, d1, d2, d3, abs_rel, sq_rel, e, e^2, abs(log10), abs, square."""
        check_same_shape(truth, prediction)
        if self.crop is not None:
            rows, columns = self.crop.slices(tuple(truth.shape[-2:]))
            truth, prediction = truth[..., rows, columns], prediction[..., rows, columns]
        # isfinite: infinity lies within a range without an upper limit
        valid = truth.isfinite() & (truth >= self.min_depth) & (truth <= self.max_depth)
        if not valid.all():  # selecting takes most of the time
            truth, prediction = truth[valid], prediction[valid]
        t, p = truth.flatten().double(), prediction.flatten().double()  # (N,)
        if not p.isfinite().all():
            raise ValueError(
                f"{int((~p.isfinite()).sum())} of {p.numel()} predicted depths are NaN or infinite"
            )
        if self.median_scaling and len(t):
            p = p * _scale_by_medians(t, p)
        p = p.clamp(self.min_depth, self.max_depth)
        ratio = torch.maximum(p / t, t / p)
        counts = [len(t), *(int((ratio < 1.25**k).sum()) for k in (1, 2, 3))]
        terms = t.new_empty(7, len(t))  # written in place: large blocks are slow to get
        abs_rel, sq_rel, e, e_squared, log10, error, error_squared = terms
        torch.sub(p, t, out=error).abs_()
        torch.mul(error, error, out=error_squared)
        torch.div(error, t, out=abs_rel)
        torch.div(error_squared, t, out=sq_rel)
        torch.log(p, out=e).sub_(t.log())
        torch.mul(e, e, out=e_squared)
        torch.abs(e, out=log10).div_(math.log(10))
        return torch.cat([torch.tensor(counts, dtype=torch.float64), terms.sum(dim=1)])


def _scale_by_medians(truth: Tensor, prediction: Tensor) -> float:
    """Return the ratio of the medians, each the mean of the two middle values of an even number."""
    true, predicted = (float(np.median(values.numpy())) for values in (truth, prediction))
    if predicted <= 0:
        raise ValueError(
            f"median_scaling: the median of the predicted depths is {predicted:g} m, which no "
            "factor scales to that of the ground truth"
        )
    return true / predicted


def _metrics_from_pixel_sums(sums: Tensor) -> dict[str, float]:
    d1, d2, d3, abs_rel, sq_rel, e, e_squared, log10, error, error_squared = (
        sums[1:] / sums[0]
    ).tolist()
    # Rounding can leave a variance of zero slightly negative.
    variance = max(e_squared - e**2, 0.0)
    return {
        "d1": d1,
        "d2": d2,
        "d3": d3,
        "abs_rel": abs_rel,
        "sq_rel": sq_rel,
        "rmse": math.sqrt(error_squared),
        "rmse_log": math.sqrt(e_squared),
        "log10": log10,
        "silog": 100 * math.sqrt(variance),
        "abs_err": error,
    }
