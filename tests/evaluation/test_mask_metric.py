"""Scores of masks, against numbers worked out by hand and sets of pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mtlplugins.evaluation import MultiTaskMaskMetric

Sample = dict


def sample(truth: list[int], shares: list[float]) -> Sample:
    return {
        "img_path": "a.jpg",
        "gt_thing": {"data": torch.tensor([[truth]], dtype=torch.uint8)},
        "pred_thing": {"data": torch.tensor([[shares]])},
    }


def scores(samples: list[Sample], **options: float) -> dict[str, float]:
    metric = MultiTaskMaskMetric("thing", **options)
    for one in samples:
        metric.process(None, [one])
    return {k.partition("/")[2]: v for k, v in metric.evaluate(len(samples)).items()}


def test_pooled_scores_by_hand() -> None:
    # above 0.5: pixels 0 and 1 of a, 0 of b; the fourth pixel of a has no ground truth
    samples = [sample([1, 0, 1, 255], [0.9, 0.6, 0.3, 0.9]), sample([1, 0], [0.7, 0.1])]
    found = scores(samples)
    assert found["iou"] == pytest.approx(100 * 2 / 4)
    assert found["precision"] == pytest.approx(100 * 2 / 3)
    assert found["recall"] == pytest.approx(100 * 2 / 3)
    assert found["f1"] == pytest.approx(100 * 4 / 6)
    assert scores(samples, threshold=0.65)["precision"] == pytest.approx(100)


def test_means_per_image_at_the_best_threshold_by_hand() -> None:
    # at 0.2 and 0.25: a has IoU 2/3, b 1/1; from 0.3 (not above) to 0.55 a has 1/3
    samples = [sample([1, 0, 1], [0.9, 0.6, 0.3]), sample([1, 0], [0.95, 0.1])]
    found = scores(samples)
    assert found["mIoU"] == pytest.approx(100 * (2 / 3 + 1) / 2)
    precision, recall = (2 / 3 + 1) / 2, 1
    assert found["maxF"] == pytest.approx(100 * 2 * precision * recall / (precision + recall))


def test_as_sets_of_pixels() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (5, 12))
    shares = (0.5 * truth + rng.uniform(0, 0.5, truth.shape)).astype(np.float32)
    best_iou, best_f = 0.0, 0.0
    for cut in np.linspace(0.2, 0.9, 15):
        ious, precisions, recalls = [], [], []
        for t, s in zip(truth, shares, strict=True):
            true, found = set(np.nonzero(t)[0]), set(np.nonzero(s > np.float32(cut))[0])
            ious.append(len(true & found) / len(true | found))
            precisions.append(len(true & found) / max(len(found), 1))
            recalls.append(len(true & found) / len(true))
        p, r = np.mean(precisions), np.mean(recalls)
        best_iou, best_f = max(best_iou, np.mean(ious)), max(best_f, 2 * p * r / (p + r))
    found = scores([sample(t.tolist(), s.tolist()) for t, s in zip(truth, shares, strict=True)])
    assert found["mIoU"] == pytest.approx(100 * best_iou)
    assert found["maxF"] == pytest.approx(100 * best_f)


def test_nothing_there_and_nothing_found_is_right() -> None:
    found = scores([sample([0, 0], [0.1, 0.1])])
    assert found["iou"] == found["f1"] == found["mIoU"] == 100
    assert np.isnan(scores([sample([255, 255], [0.1, 0.1])])["iou"])


@pytest.mark.parametrize(
    ("truth", "shares", "message"),
    [
        ([0, 2], [0.0, 1.0], r"ground truth has values \[0, 2\], expected 0, 1 and 255"),
        ([0, 1], [0.0, 1.5], "not everywhere a probability"),
        ([0, 1], [0.0, float("nan")], "not everywhere a probability"),
        ([0, 1, 1], [0.0, 1.0], "the ground truth is"),
    ],
)
def test_bad_maps_are_named(truth: list, shares: list, message: str) -> None:
    with pytest.raises(ValueError, match=rf"task 'thing', image a\.jpg: .*{message}"):
        scores([sample(truth, shares)])


def test_a_threshold_outside_of_the_range_is_refused() -> None:
    with pytest.raises(ValueError, match="task 'thing': threshold=1: give one between"):
        MultiTaskMaskMetric("thing", threshold=1)
