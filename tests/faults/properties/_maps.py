"""Images with targets and predictions of each kind, and reference metrics by pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mtlplugins.evaluation import (
    MultiTaskAccuracy,
    MultiTaskDepthMetric,
    MultiTaskIoUMetric,
    MultiTaskNormalsMetric,
    TaskMetric,
)

CLASSES, IGNORED, LEAST, MOST = 4, 255, 0.5, 8.0
SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=4)
META = {
    "tasks": {
        "semantic": {"kind": "segmentation", "classes": tuple("abcd"), "ignore_index": IGNORED},
        "depth": {"kind": "depth"},
        "normals": {"kind": "normals"},
        "scene": {"kind": "classification", "classes": tuple("abcd")},
    }
}
Image = tuple[np.ndarray, np.ndarray]


def arrays(elements: st.SearchStrategy, dtype: type, *, front: tuple = (1,)) -> st.SearchStrategy:
    """Pairs of truth and prediction of one size."""
    return SHAPES.flatmap(
        lambda shape: st.tuples(*[hnp.arrays(dtype, (*front, *shape), elements=elements)] * 2)
    )


@st.composite
def labelled(draw: st.DrawFn) -> Image:
    truth, guess = draw(arrays(st.integers(0, CLASSES - 1), np.int64))
    return np.where(draw(hnp.arrays(bool, truth.shape)), truth, IGNORED), guess


@st.composite
def depths(draw: st.DrawFn) -> Image:
    truth, guess = draw(arrays(st.floats(0.125, 10, width=32), np.float32))
    missing = st.sampled_from((0.0, math.nan, math.inf, -1.0))
    holes = draw(hnp.arrays(bool, truth.shape))
    truth = np.where(holes, np.float32(draw(missing)), truth)
    # where there is no truth, no prediction is looked at
    return truth, np.where(holes, np.float32(draw(missing)), guess)


@st.composite
def directions(draw: st.DrawFn) -> Image:
    truth, guess = draw(arrays(st.integers(-3, 3).map(float), np.float32, front=(3,)))
    guess[0] += 0.5  # never the zero vector
    truth[:, draw(hnp.arrays(bool, truth.shape[1:]))] = draw(st.sampled_from((0, math.nan)))
    broken = ~np.isfinite(truth).all(axis=0) | (truth == 0).all(axis=0)
    guess[:, broken] = draw(st.sampled_from((0, math.nan, math.inf)))
    return truth, guess


@st.composite
def scored(draw: st.DrawFn) -> Image:
    scores = draw(hnp.arrays(np.float32, CLASSES, elements=st.floats(0, 1, width=16)))
    return np.array([draw(st.integers(0, CLASSES - 1))]), scores


def iou(images: list[Image]) -> dict[str, float]:
    """Intersection over union from a confusion matrix, filled pixel by pixel."""
    matrix = np.zeros((CLASSES, CLASSES))
    for truth, guess in images:
        for t, g in zip(truth.flat, guess.flat, strict=True):
            if t != IGNORED:
                matrix[t, g] += 1
    with np.errstate(invalid="ignore"):
        right = np.diag(matrix)
        union = matrix.sum(0) + matrix.sum(1) - right
        names = dict(
            aAcc=right.sum() / matrix.sum(),
            mIoU=np.nanmean(right / union),
            mAcc=np.nanmean(right / matrix.sum(1)),
        )
    return {name: 100 * float(value) for name, value in names.items()}


def depth_errors(images: list[Image]) -> dict[str, float]:
    """The formulas of MultiTaskDepthMetric's table, pixel by pixel."""
    pairs = [
        (float(t), min(max(float(p), LEAST), MOST))
        for truth, guess in images
        for t, p in zip(truth.flat, guess.flat, strict=True)
        if LEAST <= t <= MOST
    ]
    if not pairs:
        return dict.fromkeys(MultiTaskDepthMetric.names, math.nan)
    t, p = np.array(pairs).T
    e = np.log(p) - np.log(t)
    ratio = np.maximum(p / t, t / p)
    return {
        **{f"d{k}": np.mean(ratio < 1.25**k) for k in (1, 2, 3)},
        "abs_rel": np.mean(np.abs(p - t) / t),
        "sq_rel": np.mean((p - t) ** 2 / t),
        "rmse": np.sqrt(np.mean((p - t) ** 2)),
        "rmse_log": np.sqrt(np.mean(e**2)),
        "log10": np.mean(np.abs(np.log10(p) - np.log10(t))),
        "silog": 100 * np.std(e),
        "abs_err": np.mean(np.abs(p - t)),
    }


def depth_errors_per_image(images: list[Image]) -> dict[str, float]:
    each = [depth_errors([image]) for image in images]
    each = [errors for errors in each if not math.isnan(errors["rmse"])]
    if not each:
        return dict.fromkeys(MultiTaskDepthMetric.names, math.nan)
    return {name: np.mean([errors[name] for errors in each]) for name in MultiTaskDepthMetric.names}


def angles(images: list[Image]) -> dict[str, float]:
    """Angles in degrees, pixel by pixel."""
    found = []
    for truth, guess in images:
        for t, p in zip(truth.reshape(3, -1).T, guess.reshape(3, -1).T, strict=True):
            if np.isfinite(t).all() and t.any():
                t, p = t.astype(float), p.astype(float)
                found.append(math.degrees(math.atan2(np.linalg.norm(np.cross(t, p)), t @ p)))
    if not found:
        return dict.fromkeys(MultiTaskNormalsMetric.names, math.nan)
    found = np.array(found)
    return {
        "mean": found.mean(),
        "median": np.median(found),
        "rmse": np.sqrt((found**2).mean()),
        "a11": (found < 11.25).mean(),
        "a22": (found < 22.5).mean(),
        "a30": (found < 30).mean(),
    }


def ranks(images: list[Image]) -> dict[str, float]:
    """Hits among the best scores, ties to the lower class, and the cross-entropy."""
    if not images:
        return dict.fromkeys(("top1", "top3", "cross_entropy"), math.nan)
    hits, entropy = dict(top1=0, top3=0), 0.0
    for label, scores in images:
        (true,) = label
        ahead = sum(s > scores[true] or (s == scores[true] and c < true)
                    for c, s in enumerate(scores))  # fmt: skip
        for name in hits:
            hits[name] += ahead < int(name[3:])
        entropy -= math.log(max(float(scores[true]), float(np.finfo(np.float32).tiny)))
    shares = {name: 100 * count / len(images) for name, count in hits.items()}
    return shares | dict(cross_entropy=entropy / len(images))


@dataclass
class Kind:
    """A kind of task: images, its metric, and the same told plainly."""

    task: str
    images: st.SearchStrategy
    make: Callable[[], TaskMetric]
    naive: Callable[[list[Image]], dict[str, float]]
    slack: dict

    def metric(self) -> TaskMetric:
        metric = self.make()
        metric.dataset_meta = META
        return metric

    def sample(self, image: Image | None, name: str = "a.png") -> dict:
        """What the evaluator hands over; None for an image without this target."""
        if image is None:
            return {"img_path": name}
        fields = ("label", "score") if self.task == "scene" else ("data", "data")
        truth, guess = ({f: torch.from_numpy(a)} for f, a in zip(fields, image, strict=True))
        return {"img_path": name, f"gt_{self.task}": truth, f"pred_{self.task}": guess}


def _depth(average: str) -> Callable[[], TaskMetric]:
    return lambda: MultiTaskDepthMetric(min_depth=LEAST, max_depth=MOST, average=average)


# a standard deviation from sums of squares loses half of the digits
EXACT = dict(rel=1e-9, abs=1e-5)
KINDS = {
    # mmseg rounds to two places, half of a hundredth off
    "segmentation": Kind("semantic", labelled(), MultiTaskIoUMetric, iou, dict(abs=0.00501)),
    "depth": Kind("depth", depths(), _depth("pixel"), depth_errors, EXACT),
    "depth per image": Kind("depth", depths(), _depth("image"), depth_errors_per_image, EXACT),
    # the median of a histogram is at most a bin off
    "normals": Kind("normals", directions(), MultiTaskNormalsMetric, angles, dict(abs=0.0101)),
    "classes": Kind(
        "scene", scored(), lambda: MultiTaskAccuracy("scene", topk=(1, 3), cross_entropy=True),
        ranks, EXACT,
    ),
}  # fmt: skip
