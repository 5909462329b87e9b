"""The literature's protocol: results averaged over batches of two images, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mtlplugins.evaluation import (
    MultiTaskAccuracy,
    MultiTaskDepthMetric,
    MultiTaskNormalsMetric,
    TaskMetric,
)

NAN = float("nan")


def depths(truth: list[float], prediction: list[float]) -> dict:
    """A sample of depth in one row; 0 is missing."""
    fields = {"gt_depth": truth, "pred_depth": prediction}
    return {name: {"data": torch.tensor(values)[None, None]} for name, values in fields.items()}


def tilts(degrees: list[float]) -> dict:
    """A sample of normals that are off by these angles; missing where NaN."""
    angle = torch.deg2rad(torch.tensor(degrees))
    prediction = torch.stack([angle.sin(), torch.zeros_like(angle), -angle.cos()])[:, None]
    truth = torch.tensor([0.0, 0, -1])[:, None, None] * angle.isfinite()
    return {
        "gt_normals": {"data": truth.nan_to_num()},
        "pred_normals": {"data": prediction.nan_to_num(1.0)},
    }


def evaluate(metric: TaskMetric, samples: list[dict]) -> dict[str, float]:
    for start in range(0, len(samples), 3):  # the batches of a loader are of no account
        metric.process(None, samples[start : start + 3])
    return metric.evaluate(len(samples))


def test_depth_by_hand() -> None:
    samples = [
        depths([2, 4], [3, 4]),  # errors 1 and 0
        depths([1, 0], [3, 9]),  # 2, and a missing pixel
        depths([5, 0], [8, 9]),  # 3: a batch of its own
    ]
    found = evaluate(MultiTaskDepthMetric(protocol="nyuv2-13"), samples)
    assert found["depth/nyuv2-13/abs_err"] == pytest.approx((3 / 3 + 3) / 2)
    assert found["depth/nyuv2-13/abs_rel"] == pytest.approx(((0.5 + 0 + 2) / 3 + 0.6) / 2)
    assert found["depth/abs_err"] == pytest.approx(6 / 4)  # pooled, as without the protocol
    assert evaluate(MultiTaskDepthMetric(), samples).items() <= found.items()


def test_normals_by_hand() -> None:
    samples = [tilts([10, 20, 30.5]), tilts([40, 60, NAN]), tilts([2, 4, 20]), tilts([NAN] * 3)]
    found = evaluate(MultiTaskNormalsMetric(protocol="nyuv2-13"), samples)
    means = {n.rpartition("/")[2]: v for n, v in found.items() if "nyuv2-13" in n}
    assert means.pop("median") == pytest.approx((30.5 + 4) / 2, abs=0.01)
    assert means == pytest.approx(
        dict(mean=(160.5 / 5 + 26 / 3) / 2, a11=(1 / 5 + 2 / 3) / 2, a22=(2 / 5 + 1) / 2, a30=0.7)
    )


def test_a_plain_loop_over_batches() -> None:
    """As the papers' code: pool each batch of two, then average."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.5, 9, (10, 40)) * (rng.random((10, 40)) > 0.3)
    prediction = rng.uniform(0.5, 9, (10, 40))
    pairs = [(truth[i : i + 2], prediction[i : i + 2]) for i in range(0, 10, 2)]
    errors = [np.abs(p - t)[t > 0] for t, p in pairs]
    relative = [error / t[t > 0] for error, (t, _) in zip(errors, pairs, strict=True)]
    samples = [depths(t, p) for t, p in zip(truth.tolist(), prediction.tolist(), strict=True)]
    found = evaluate(MultiTaskDepthMetric(protocol="nyuv2-13"), samples)
    expected = {
        "depth/nyuv2-13/abs_err": np.mean([error.mean() for error in errors]),
        "depth/nyuv2-13/abs_rel": np.mean([error.mean() for error in relative]),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert found["depth/abs_err"] != pytest.approx(expected["depth/nyuv2-13/abs_err"], rel=1e-3)


def test_batches_without_ground_truth_do_not_count() -> None:
    empty = depths([0, 0], [1, 1])
    metric = MultiTaskDepthMetric(protocol="nyuv2-13")
    found = evaluate(metric, [depths([1], [2]), depths([1], [2]), empty, empty])
    assert found["depth/nyuv2-13/abs_err"] == 1
    assert math.isnan(evaluate(metric, [empty])["depth/nyuv2-13/abs_err"])
    # nothing is left over from the evaluation before
    assert evaluate(metric, [depths([1], [4])])["depth/nyuv2-13/abs_err"] == 3


def test_names_and_directions() -> None:
    for metric in (
        MultiTaskDepthMetric(protocol="nyuv2-13"),
        MultiTaskNormalsMetric(protocol="nyuv2-13"),
    ):
        assert set(metric.names) == set(metric.higher_is_better)
    assert metric.higher_is_better["nyuv2-13/a30"] is True
    assert metric.higher_is_better["nyuv2-13/mean"] is False


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="'nyuv2-40': give one of nyuv2-13"):
        MultiTaskDepthMetric(protocol="nyuv2-40")
    with pytest.raises(ValueError, match="needs average='pixel'"):
        MultiTaskDepthMetric(protocol="nyuv2-13", average="image")
    with pytest.raises(ValueError, match="this metric has no protocols"):
        TaskMetric.__init__(MultiTaskAccuracy("scene"), "scene", protocol="nyuv2-13")
