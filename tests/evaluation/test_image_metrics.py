"""Metrics of several labels and of numbers per image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmpretrain.evaluation import AveragePrecision, MultiLabelMetric

from mtlplugins.evaluation import MultiTaskMultiLabelMetric, MultiTaskRegressionMetric

CLASSES = ("a", "b", "c", "d")


def labelled(truth, score, threshold: float = 0.5) -> dict:
    score = torch.as_tensor(score)
    return {
        "img_path": "room/0001.jpg",
        "gt_tags": {"label": torch.as_tensor(truth)},
        "pred_tags": {"score": score, "label": (score >= threshold).long()},
    }


def scores_of(samples: list[dict], classes=CLASSES, batch: int = 7) -> dict[str, float]:
    metric = MultiTaskMultiLabelMetric("tags")
    metric.dataset_meta = dict(tasks=dict(tags=dict(kind="multilabel", classes=classes)))
    for start in range(0, len(samples), batch):
        metric.process(None, samples[start : start + batch])
    return metric.evaluate(len(samples))


def test_by_hand():
    # class a by score: right, wrong, right: AP (1 + 2/3) / 2; b: wrong, right: AP 1/2
    samples = [
        labelled([1, 0], [0.9, 0.8]),
        labelled([0, 0], [0.7, 0.1]),
        labelled([1, 1], [0.2, 0.6]),
    ]
    scores = scores_of(samples, classes=("a", "b"))
    assert scores["tags/mAP"] == pytest.approx(100 * (5 / 6 + 1 / 2) / 2)
    assert scores["tags/precision"] == pytest.approx(50)  # 1/2 of a, 1/2 of b
    assert scores["tags/recall"] == pytest.approx(100 * (1 / 2 + 1) / 2)
    assert scores["tags/f1"] == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)


def test_as_mmpretrain():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (60, 4))
    logits = truth + rng.normal(0, 1.5, truth.shape)
    logits = (logits * 32).round() / 32 + 1 / 64  # a bin of its own for each score
    scores = torch.from_numpy(1 / (1 + np.exp(-logits)))
    ours = scores_of([labelled(t, s) for t, s in zip(truth, scores, strict=True)])
    tensors = scores, torch.from_numpy(truth)
    ties = np.unique(logits[:, 0]).size < 60
    precision, recall, f1, _ = MultiLabelMetric.calculate(
        *tensors, pred_indices=False, target_indices=False, average="macro", thr=0.5
    )
    assert ours["tags/precision"] == pytest.approx(float(precision), rel=1e-5)
    assert ours["tags/recall"] == pytest.approx(float(recall), rel=1e-5)
    assert ours["tags/f1"] == pytest.approx(float(f1), rel=1e-5)
    theirs = float(AveragePrecision.calculate(*tensors))
    assert ours["tags/mAP"] == pytest.approx(theirs, abs=1.0 if ties else 1e-4)


def test_average_precision_of_distinct_scores_is_that_of_mmpretrain():
    rng = np.random.default_rng(1)
    order = rng.permutation(80)
    logits = torch.from_numpy((order - 40) / 8)[:, None]  # no two in one bin
    truth = torch.from_numpy(rng.integers(0, 2, (80, 1)))
    samples = [labelled(t, s) for t, s in zip(truth, logits.sigmoid(), strict=True)]
    theirs = float(AveragePrecision.calculate(logits.sigmoid(), truth))
    assert scores_of(samples, ("a",))["tags/mAP"] == pytest.approx(theirs, rel=1e-6)


def test_extreme_scores_count():
    scores = [labelled([1], [1.0]), labelled([0], [0.0]), labelled([0], [1e-30])]
    assert scores_of(scores, ("a",))["tags/mAP"] == 100


def test_classes_that_never_occur_are_left_out():
    samples = [labelled([1, 0], [0.9, 0.9])]
    assert scores_of(samples, ("a", "b"))["tags/f1"] == 100
    nothing = scores_of([labelled([0, 0], [0.9, 0.9])], ("a", "b"))
    assert all(map(math.isnan, nothing.values()))


@pytest.mark.parametrize(
    ("truth", "score", "message"),
    [
        ([1, 0, 0], [0.1] * 4, "labels of the ground truth"),
        ([1, 0, 0, 2], [0.1] * 4, "must be 4 of 0 and 1"),
        ([1, 0, 0, 0], [0.1, 0.2, 0.3, 1.5], "expected 4 scores from 0 to 1"),
        ([1, 0, 0, 0], [0.1, 0.2, 0.3, math.nan], "expected 4 scores from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(truth, score, message):
    with pytest.raises(ValueError, match=f"task 'tags', image room/0001.jpg: .*{message}"):
        scores_of([labelled(truth, score)])


def numbered(truth: list[float], predicted: list[float]) -> dict:
    fields = dict(gt_size=truth, pred_size=predicted)
    return {name: {"numbers": torch.tensor(values)} for name, values in fields.items()}


def test_errors_of_numbers_by_hand():
    metric = MultiTaskRegressionMetric("size")
    metric.dataset_meta = dict(tasks=dict(size=dict(kind="regression")))
    metric.process(None, [numbered([1.0, 2.0], [2.0, 2.0]), numbered([5.0, 0.0], [2.0, -2.0])])
    scores = metric.evaluate(2)
    assert scores == pytest.approx({"size/mae": (1 + 3 + 2) / 4, "size/rmse": (14 / 4) ** 0.5})
    for wrong in ([1.0], [math.inf, 0.0]):
        with pytest.raises(ValueError, match="task 'size'"):
            metric.process(None, [numbered([1.0, 2.0], wrong)])
