from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmseg.registry import METRICS

import mtlplugins  # noqa: F401
from mtlplugins.evaluation import MultiTaskNormalsMetric

NAMES = {"mean", "median", "rmse", "a11", "a22", "a30"}


def sample(truth, prediction) -> dict:
    fields = {"gt_normals": truth, "pred_normals": prediction}
    data = {key: {"data": torch.as_tensor(value).float()} for key, value in fields.items()}
    return {"img_path": "room/0001.jpg", **data}


def evaluate(samples: list[dict]) -> dict[str, float]:
    metric = MultiTaskNormalsMetric()
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def tilted(degrees) -> torch.Tensor:
    """Unit vectors (3, 1, N) at these angles to the optical axis."""
    angle = torch.deg2rad(torch.as_tensor(degrees, dtype=torch.float64))
    return torch.stack([angle.sin(), torch.zeros_like(angle), -angle.cos()])[:, None]


def random_maps(count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        truth = rng.normal(size=(3, 9, 11))
        truth /= np.linalg.norm(truth, axis=0)
        prediction = truth + rng.normal(0, 0.3, truth.shape)
        truth[:, rng.random((9, 11)) < 0.3] = 0
        yield truth, prediction


def numpy_metrics(truth: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """From vectors (3, N), by the arc cosine."""
    cosine = (truth * prediction).sum(0) / np.linalg.norm(truth, axis=0)
    angle = np.degrees(np.arccos((cosine / np.linalg.norm(prediction, axis=0)).clip(-1, 1)))
    return {
        "normals/mean": angle.mean(),
        "normals/median": np.median(angle),
        "normals/rmse": np.sqrt((angle**2).mean()),
        "normals/a11": (angle < 11.25).mean(),
        "normals/a22": (angle < 22.5).mean(),
        "normals/a30": (angle < 30).mean(),
    }


def test_hand_computed_values() -> None:
    degrees = [0.0, 10.0, 20.0, 25.0, 180.0]
    truth = tilted([0.0] * 6)
    truth[:, :, 5] = 0  # missing; the prediction there is not looked at
    prediction = 3 * tilted([*degrees, math.nan])
    expected = {
        "normals/mean": 47.0,
        "normals/median": 20.0,
        "normals/rmse": math.sqrt((100 + 400 + 625 + 180**2) / 5),
        "normals/a11": 2 / 5,
        "normals/a22": 3 / 5,
        "normals/a30": 4 / 5,
    }
    result = evaluate([sample(truth, prediction)])
    assert result.pop("normals/median") == pytest.approx(expected.pop("normals/median"), abs=0.01)
    assert result == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "degrees", [[7.3], [5, 60], [5, 5, 60, 60], [0, 0], [180, 180, 1], [0, 180]]
)
def test_the_median_is_within_its_resolution(degrees: list[float]) -> None:
    result = evaluate([sample(tilted([0.0] * len(degrees)), tilted(degrees))])
    assert result["normals/median"] == pytest.approx(np.median(degrees), abs=0.01)


def test_small_angles_keep_their_digits() -> None:
    """A float32 cosine of 0.01 degrees is 1."""
    assert evaluate([sample(tilted([0.0]), tilted([0.01]))])["normals/mean"] == pytest.approx(
        0.01, rel=1e-4
    )


def test_thresholds_are_strict() -> None:
    truth = torch.tensor([[0.0], [0.0], [-1.0]])[:, None]
    half = torch.tensor([[0.0], [1.0], [-1.0]])[:, None]  # 45 degrees exactly
    assert evaluate([sample(truth, half)])["normals/a30"] == 0
    assert evaluate([sample(truth, truth)])["normals/a11"] == 1


def test_equals_numpy_over_all_valid_pixels_however_batches_are_split() -> None:
    maps = list(random_maps(5))
    samples = [sample(*pair) for pair in maps]
    samples.insert(2, sample(np.zeros((3, 2, 2)), np.full((3, 2, 2), np.nan)))  # nothing valid
    vectors = [(t[:, t.any(0)], p[:, t.any(0)]) for t, p in maps]
    truth, prediction = (np.concatenate(part, axis=1) for part in zip(*vectors, strict=True))
    expected = numpy_metrics(truth, prediction)
    whole = evaluate(samples)
    assert whole == pytest.approx(expected, abs=0.01, rel=1e-5)
    metric = MultiTaskNormalsMetric()
    metric.process(None, samples[:1])
    metric.process(None, samples[1:])
    assert metric.evaluate(len(samples)) == pytest.approx(whole, rel=1e-12)


def test_predictions_must_be_directions_of_the_ground_truth_s_size() -> None:
    truth = tilted([0.0, 1.0])
    for bad in (0.0, math.nan, math.inf):
        prediction = tilted([0.0, 1.0])
        prediction[:, 0, 1] = bad
        with pytest.raises(ValueError, match=r"'normals', image room/0001.jpg: 1 of 2 predicted"):
            evaluate([sample(truth, prediction)])
    with pytest.raises(ValueError, match=r"\(3, 1, 2\).*\(3, 1, 3\)"):
        evaluate([sample(truth, tilted([0.0] * 3))])


@pytest.mark.parametrize(("name", "limit"), [("a11", 11.25), ("a22", 22.5), ("a30", 30.0)])
def test_limits(name: str, limit: float) -> None:
    degrees = [limit - 0.01, limit + 0.01]
    assert evaluate([sample(tilted([0.0, 0.0]), tilted(degrees))])[f"normals/{name}"] == 0.5


def test_names_directions_and_kind() -> None:
    metric = METRICS.build(dict(type="MultiTaskNormalsMetric", task="normals"))
    assert set(metric.names) == set(metric.higher_is_better) == NAMES
    assert {n for n, higher in metric.higher_is_better.items() if higher} == {"a11", "a22", "a30"}
    with pytest.raises(ValueError, match=r"kind 'normals'.*of kind 'depth'"):
        metric.dataset_meta = {"tasks": {"normals": {"kind": "depth"}}}
