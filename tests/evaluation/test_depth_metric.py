from __future__ import annotations

import logging
import math

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmseg.registry import METRICS

import mtlplugins  # noqa: F401
from mtlplugins.evaluation import MultiTaskDepthMetric

NAMES = {
    "d1", "d2", "d3", "abs_rel", "sq_rel", "rmse", "rmse_log", "log10", "silog", "abs_err",
}  # fmt: skip


def sample(truth, prediction=None, **fields) -> dict:
    result = {"img_path": "room/0001.jpg", **fields}
    for key, value in (("gt_depth", truth), ("pred_depth", prediction)):
        if value is not None:
            result[key] = {"data": torch.as_tensor(value, dtype=torch.float32)[None]}
    return result


def evaluate(samples: list[dict], **arguments) -> dict[str, float]:
    metric = MultiTaskDepthMetric(**arguments)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def random_maps(count: int, seed: int = 0, missing: float = 0.3):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        truth = rng.uniform(0.7, 10, (9, 11)).astype(np.float32)
        prediction = (truth * rng.lognormal(0.1, 0.3, truth.shape)).astype(np.float32)
        truth[rng.random(truth.shape) < missing] = 0
        yield truth, prediction


def numpy_metrics(truth: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """The formulas over plain arrays of valid pixels, with means instead of sums."""
    t, p = truth.astype(np.float64), prediction.astype(np.float64)
    ratio = np.where(p > t, p / t, t / p)
    return {
        "depth/d1": np.mean(ratio < 1.25),
        "depth/d2": np.mean(ratio < 1.5625),
        "depth/d3": np.mean(ratio < 1.953125),
        "depth/abs_rel": np.mean(np.abs(t - p) / t),
        "depth/sq_rel": np.mean((t - p) ** 2 / t),
        "depth/rmse": np.sqrt(np.mean((t - p) ** 2)),
        "depth/rmse_log": np.sqrt(np.mean((np.log(t) - np.log(p)) ** 2)),
        "depth/log10": np.mean(np.abs(np.log10(t) - np.log10(p))),
        "depth/silog": 100 * np.std(np.log(p) - np.log(t)),
        "depth/abs_err": np.mean(np.abs(t - p)),
    }


def test_hand_computed_values():
    # Four valid pixels with p/t = 1, 2, 1/2, 1.5 and two missing ones (0 and NaN).
    truth = [[1.0, 2.0, 4.0], [2.0, 0.0, math.nan]]
    prediction = [[1.0, 4.0, 2.0], [3.0, 7.0, 7.0]]
    result = evaluate([sample(truth, prediction)])
    ln2, ln15 = math.log(2), math.log(1.5)
    mean_square = (2 * ln2**2 + ln15**2) / 4
    expected = {
        "depth/d1": 1 / 4,  # 1.25 < 1.5, 2, 2
        "depth/d2": 2 / 4,  # 1.5 < 1.5625 < 2
        "depth/d3": 2 / 4,  # 1.953 < 2
        "depth/abs_rel": (0 + 1 + 0.5 + 0.5) / 4,
        "depth/sq_rel": (0 + 4 / 2 + 4 / 4 + 1 / 2) / 4,
        "depth/rmse": math.sqrt((0 + 4 + 4 + 1) / 4),
        "depth/rmse_log": math.sqrt(mean_square),
        "depth/log10": (2 * math.log10(2) + math.log10(1.5)) / 4,
        "depth/silog": 100 * math.sqrt(mean_square - (ln15 / 4) ** 2),
        "depth/abs_err": (0 + 2 + 2 + 1) / 4,
    }
    assert result == pytest.approx(expected, rel=1e-12)


def test_thresholds_are_strict():
    result = evaluate([sample([[4.0, 4.0]], [[5.0, 4.0]])])  # 5 / 4 is exactly 1.25
    assert result["depth/d1"] == 0.5
    assert result["depth/d2"] == 1.0


def test_pixel_average_equals_numpy_over_all_valid_pixels():
    maps = list(random_maps(5))
    truth, prediction = (np.stack(part) for part in zip(*maps, strict=True))
    valid = truth > 0
    result = evaluate([sample(*pair) for pair in maps])
    assert result == pytest.approx(numpy_metrics(truth[valid], prediction[valid]), rel=1e-9)


def test_image_average_equals_numpy_mean_of_images():
    maps = list(random_maps(5))
    per_image = [numpy_metrics(t[t > 0], p[t > 0]) for t, p in maps]
    expected = {name: np.mean([one[name] for one in per_image]) for name in per_image[0]}
    samples = [sample(*pair) for pair in maps]
    # Without a valid pixel an image has no value to average; it must not count as one either.
    samples.insert(2, sample(np.zeros((9, 11)), np.ones((9, 11))))
    result = evaluate(samples, average="image")
    assert result == pytest.approx(expected, rel=1e-9)
    assert result["depth/rmse"] != pytest.approx(evaluate(samples)["depth/rmse"], rel=1e-4)


@pytest.mark.parametrize("average", ["pixel", "image"])
def test_image_without_valid_pixel_changes_nothing(average):
    samples = [sample(*pair) for pair in random_maps(3)]
    expected = evaluate(samples, average=average)
    blank = sample(np.zeros((4, 4)), np.full((4, 4), np.nan))
    assert evaluate([blank, *samples, blank], average=average) == expected
    assert not any(math.isnan(value) for value in expected.values())


@pytest.mark.parametrize("batches", [[1] * 6, [4, 2], [1, 5], [6]])
def test_batch_split_changes_nothing(batches):
    samples = [sample(*pair) for pair in random_maps(6)]
    expected = evaluate(samples)
    metric = MultiTaskDepthMetric()
    rest = iter(samples)
    for size in batches:
        metric.process(None, [next(rest) for _ in range(size)])
    assert metric.evaluate(6) == pytest.approx(expected, rel=1e-12)


def test_perfect_and_scaled_prediction():
    truth, _ = next(random_maps(1))
    perfect = evaluate([sample(truth, truth)])
    assert all(perfect[f"depth/d{k}"] == 1 for k in (1, 2, 3))
    assert all(perfect[f"depth/{name}"] == 0 for name in NAMES - {"d1", "d2", "d3"})
    scaled = evaluate([sample(truth, 2 * truth)])
    assert scaled["depth/silog"] == pytest.approx(0, abs=1e-5)
    assert scaled["depth/rmse_log"] == pytest.approx(math.log(2))


def test_range_masks_the_ground_truth_and_clamps_the_prediction():
    truth = [[1.0, 5.0, 20.0, 0.1]]
    prediction = [[-3.0, 40.0, 20.0, 0.1]]
    result = evaluate([sample(truth, prediction)], min_depth=0.5, max_depth=10.0)
    # Left: pixels 0 (prediction becomes 0.5) and 1 (becomes 10).
    assert result["depth/abs_err"] == pytest.approx((0.5 + 5) / 2)
    assert result["depth/rmse_log"] == pytest.approx(math.log(2))


def test_infinite_ground_truth_is_missing():
    result = evaluate([sample([[1.0, math.inf]], [[2.0, 2.0]])])
    assert result["depth/abs_err"] == 1.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_non_finite_prediction_is_an_error(bad):
    with pytest.raises(ValueError, match=r"task 'depth', image room/0001.jpg: 1 of 2 predicted"):
        evaluate([sample([[1.0, 2.0, 0.0]], [[1.0, bad, bad]])])


def test_sizes_must_agree():
    with pytest.raises(ValueError, match=r"task 'depth'.*\(1, 2, 2\).*\(1, 3, 3\)"):
        evaluate([sample(np.ones((2, 2)), np.ones((3, 3)))])


def test_samples_without_target_are_skipped_and_without_prediction_named():
    truth, prediction = next(random_maps(1))
    expected = evaluate([sample(truth, prediction)])
    assert evaluate([sample(None, prediction), sample(truth, prediction)]) == expected
    with pytest.raises(KeyError, match=r"room/0001.jpg has a target of task 'depth' but no 'pred"):
        evaluate([sample(truth)])


def test_nothing_to_score_is_nan_and_a_warning():
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    try:
        result = evaluate([sample(None), sample(np.zeros((2, 2)), np.ones((2, 2)))])
    finally:
        logger.removeHandler(handler)
    assert set(result) == {f"depth/{name}" for name in NAMES}
    assert all(math.isnan(value) for value in result.values())
    assert [r.levelno for r in records] == [logging.WARNING]
    assert "Task 'depth'" in records[0].getMessage()


def test_evaluate_starts_afresh():
    metric = MultiTaskDepthMetric()
    first, second = (sample(*pair) for pair in random_maps(2))
    metric.process(None, [first])
    metric.evaluate(1)
    metric.process(None, [second])
    assert metric.evaluate(1) == evaluate([second])


@pytest.mark.parametrize("average", ["pixel", "image"])
def test_state_does_not_grow(average):
    def state_bytes(metric: MultiTaskDepthMetric) -> int:
        tensors = [value for value in vars(metric).values() if isinstance(value, torch.Tensor)]
        containers = [v for v in vars(metric).values() if isinstance(v, (list, dict, set, tuple))]
        assert tensors
        return sum(t.numel() * t.element_size() for t in tensors) + sum(map(len, containers))

    metric = MultiTaskDepthMetric(average=average)
    samples = [sample(*pair) for pair in random_maps(2)]
    metric.process(None, samples)
    after_two = state_bytes(metric)
    for _ in range(50):
        metric.process(None, samples)
    assert state_bytes(metric) == after_two == 2 * 11 * 8


def test_task_name_is_the_prefix_and_the_field():
    evaluator = Evaluator(
        [METRICS.build({"type": "MultiTaskDepthMetric", "task": t}) for t in ("near", "far")]
    )
    one = torch.ones(1, 2, 2)
    fields = {"gt_near": one, "pred_near": one, "gt_far": one, "pred_far": 3 * one}
    evaluator.process([{name: {"data": data} for name, data in fields.items()}])
    result = evaluator.evaluate(1)
    assert result["near/abs_err"] == 0
    assert result["far/abs_err"] == 2
    assert len(result) == 20


@pytest.mark.parametrize(
    ("meta", "error", "message"),
    [
        ({"tasks": {"semantic": {"kind": "segmentation"}}}, KeyError, "no task 'depth'.*semantic"),
        ({"classes": ()}, KeyError, "no task 'depth'"),
        ({"tasks": {"depth": {"kind": "normals"}}}, ValueError, "kind 'depth'.*of kind 'normals'"),
    ],
)
def test_wrong_data_set_is_an_early_error(meta, error, message):
    with pytest.raises(error, match=message):
        MultiTaskDepthMetric().dataset_meta = meta


@pytest.mark.parametrize(
    "arguments", [{"min_depth": 0.0}, {"min_depth": 2.0, "max_depth": 1.0}, {"average": "mean"}]
)
def test_impossible_arguments(arguments):
    with pytest.raises(ValueError, match="task 'depth': "):
        MultiTaskDepthMetric(**arguments)


@pytest.mark.parametrize(
    ("crop", "size", "rows", "columns"),
    [
        # by hand, for a frame of KITTI: 0.3324324 · 375 = 124.7, 0.91351351 · 375 = 342.6, …
        ("eigen", (375, 1242), (124, 342), (44, 1197)),
        ("garg", (375, 1242), (153, 371), (44, 1197)),
        ("eigen_nyuv2", (480, 640), (45, 471), (41, 601)),
        ("eigen_nyuv2", (240, 320), (22, 235), (20, 300)),
    ],
)
def test_crops_score_their_part_alone(crop, size, rows, columns):
    truth = np.full(size, 2.0)
    inside = np.zeros(size, bool)
    inside[slice(*rows), slice(*columns)] = True
    right_inside = evaluate([sample(truth, np.where(inside, 2.0, 5.0))], crop=crop)
    assert right_inside["depth/abs_err"] == 0
    wrong_inside = evaluate([sample(truth, np.where(inside, 5.0, 2.0))], crop=crop)
    assert wrong_inside["depth/abs_err"] == 3


def test_median_scaling_by_hand():
    # medians 3 (of 2, 4, the middle two) and 1.5: factor 2; 8 is clamped to max_depth
    truth, prediction = [[1.0, 2.0, 4.0, 5.0, 0.0]], [[0.5, 1.0, 2.0, 4.0, 99.0]]
    scores = evaluate([sample(truth, prediction)], median_scaling=True, max_depth=6.0)
    assert scores["depth/abs_err"] == pytest.approx(1 / 4)  # 1, 2, 4 are right, 6 is not 5


@pytest.mark.parametrize("average", ["pixel", "image"])
def test_median_scaling_makes_each_image_independent_of_its_scale(average):
    maps = list(random_maps(3))
    plain = [sample(t, p) for t, p in maps]
    scaled = [sample(t, p * factor) for (t, p), factor in zip(maps, (0.2, 1, 30), strict=True)]
    options = dict(average=average, median_scaling=True)
    assert evaluate(scaled, **options) == pytest.approx(evaluate(plain, **options), rel=1e-6)
    by_hand = numpy_metrics(  # with NumPy's medians
        np.concatenate([t[t > 0] for t, _ in maps]),
        np.concatenate([p[t > 0] * np.median(t[t > 0]) / np.median(p[t > 0]) for t, p in maps]),
    )
    if average == "pixel":
        assert evaluate(scaled, **options) == pytest.approx(by_hand, rel=1e-5)


def test_a_prediction_of_zeros_cannot_be_scaled():
    with pytest.raises(ValueError, match=r"image room/0001.jpg: median_scaling: the median .* 0 m"):
        evaluate([sample([[1.0, 2.0]], [[0.0, 0.0]])], median_scaling=True)
    missing = [sample([[0.0, 0.0]], [[0.0, 0.0]])]  # nothing to scale
    assert math.isnan(evaluate(missing, median_scaling=True)["depth/rmse"])


def test_an_unknown_crop_names_those_there_are():
    with pytest.raises(ValueError, match="crop='nyu': give one of eigen, garg, eigen_nyuv2"):
        MultiTaskDepthMetric(crop="nyu")
