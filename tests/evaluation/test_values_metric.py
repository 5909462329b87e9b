"""Errors of numbers per pixel, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from mtlplugins.evaluation import MultiTaskValuesMetric

NAN = float("nan")


def scores(*images: tuple[list, list], **options: str) -> dict[str, float]:
    """Score images, each a row of pixels with their values."""
    metric = MultiTaskValuesMetric("flow", **options)
    for truth, predicted in images:
        sample = {
            "img_path": "a.png",
            "gt_flow": {"data": torch.tensor(truth).T[:, None]},
            "pred_flow": {"data": torch.tensor(predicted).T[:, None]},
        }
        metric.process(None, [sample])
    return {k.partition("/")[2]: v for k, v in metric.evaluate(len(images)).items()}


FIRST = ([[0.0, 0.0], [1.0, 1.0], [NAN, 0.0]], [[3.0, 4.0], [1.0, 1.0], [9.0, 9.0]])
SECOND = ([[2.0, 2.0]], [[2.0, 0.0]])


def test_over_the_pixels_of_all_images() -> None:
    found = scores(FIRST, SECOND)
    assert found["mae"] == pytest.approx((7 / 2 + 0 + 2 / 2) / 3)
    assert found["rmse"] == pytest.approx(math.sqrt((25 / 2 + 0 + 4 / 2) / 3))
    assert found["epe"] == pytest.approx((5 + 0 + 2) / 3)


def test_as_means_of_the_images() -> None:
    found = scores(FIRST, SECOND, average="image")
    assert found["mae"] == pytest.approx((7 / 4 + 1) / 2)
    assert found["rmse"] == pytest.approx((math.sqrt(25 / 4) + math.sqrt(2)) / 2)
    assert found["epe"] == pytest.approx((5 / 2 + 2) / 2)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="task 'flow': average is 'pixel' or 'image', got 'sum'"):
        MultiTaskValuesMetric("flow", average="sum")
    with pytest.raises(ValueError, match=r"image a\.png: 1 predicted values are not finite"):
        scores(([[1.0]], [[NAN]]))
    with pytest.raises(ValueError, match=r"image a\.png: the ground truth is"):
        scores(([[1.0]], [[1.0, 2.0]]))
    assert math.isnan(scores(([[NAN]], [[1.0]]))["mae"])
