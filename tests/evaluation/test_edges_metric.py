"""F of edges on maps made by hand; matching and thinning against their definitions."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch

from mtlplugins.common.thinning import thin
from mtlplugins.evaluation import MultiTaskEdgesMetric
from mtlplugins.evaluation.edge_matching import matched


def line(column: int, size: int = 40) -> np.ndarray:
    """A vertical line of the image's height."""
    found = np.zeros((size, size), bool)
    found[:, column] = True
    return found


def scores(pairs: list[tuple[np.ndarray, np.ndarray]], **options) -> dict[str, float]:
    metric = MultiTaskEdgesMetric("rims", **options)
    for truth, shares in pairs:
        sample = {
            "img_path": "a.jpg",
            "gt_rims": {"data": torch.from_numpy(truth.astype(np.uint8))[None]},
            "pred_rims": {"data": torch.from_numpy(shares.astype(np.float32))[None]},
        }
        metric.process(None, [sample])
    return metric.evaluate(len(pairs))


def test_a_line_matches_within_the_distance_only() -> None:
    # the diagonal of 40 x 40 is 56.57 pixels: 0.011 of it is less than a pixel, 0.04 more than two
    assert scores([(line(20), line(20))])["rims/odsF"] == pytest.approx(100)
    assert scores([(line(20), line(22))], max_distance=0.03)["rims/odsF"] == 0
    assert scores([(line(20), line(22))], max_distance=0.04)["rims/odsF"] == pytest.approx(100)


def test_pixels_match_one_to_one() -> None:
    # two found lines beside one true one: only one of them can match
    found = line(19) | line(22)
    result = scores([(line(20), found)], max_distance=0.05)
    assert result["rims/odsF"] == pytest.approx(100 * 2 * 40 / (80 + 40))


def test_the_best_threshold_of_all_and_of_each_by_hand() -> None:
    # the true line has 0.45, a false one 0.25 in the first image; 0.95 and 0.65 in the second
    first = 0.45 * line(10) + 0.25 * line(30)
    second = 0.95 * line(10) + 0.65 * line(30)
    found = scores([(line(10), first), (line(10), second)], num_thresholds=9)
    # up to 0.2 all four lines: F 160 / (160 + 80); 0.3 and 0.4: three of them, two right
    assert found["rims/odsF"] == pytest.approx(100 * 160 / (120 + 80))
    assert found["rims/oisF"] == pytest.approx(100)  # 0.3 for one image, 0.7 for the other


def test_thick_predictions_are_thinned_and_unknown_pixels_left_out() -> None:
    thick = line(19) | line(20) | line(21)
    assert scores([(line(20), thick)])["rims/odsF"] > 95  # the ends may shrink
    unthinned = scores([(line(20), thick)], thin_edges=False)["rims/odsF"]
    assert unthinned == pytest.approx(100 * 2 * 40 / (120 + 40))
    truth = np.where(line(20), 1, 255)
    assert scores([(truth, line(20) | line(30))])["rims/odsF"] == pytest.approx(100)
    assert np.isnan(scores([(np.full((40, 40), 255), line(20))])["rims/odsF"])


def test_matching_is_the_largest_one() -> None:
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(0)
    for _ in range(5):
        found, truth = rng.random((2, 14, 11)) < 0.15
        a, b = np.argwhere(found), np.argwhere(truth)
        far = np.linalg.norm(a[:, None] - b[None], axis=-1) > 0.1 * np.hypot(14, 11)
        pairs = linear_sum_assignment(far)
        assert matched(found, truth, 0.1) == (~far[pairs]).sum()


def test_thinning_keeps_the_parts_and_leaves_lines() -> None:
    bar = np.zeros((9, 12), bool)
    bar[3:6, 2:10] = True
    assert thin(bar).sum(axis=0).max() == 1  # one pixel in each column
    assert thin(bar)[4].sum() >= 6
    assert np.array_equal(thin(line(3)), line(3))
    blobs = cv2.GaussianBlur(np.random.default_rng(1).random((60, 60)), (9, 9), 2) > 0.5
    thinned = thin(blobs)
    assert not (thinned & ~blobs).any()
    parts = [cv2.connectedComponents(m.astype(np.uint8))[0] for m in (blobs, thinned)]
    assert parts[0] == parts[1] > 3
    squares = thinned[1:, 1:] & thinned[:-1, 1:] & thinned[1:, :-1] & thinned[:-1, :-1]
    assert squares.sum() < 0.02 * thinned.sum()
    assert np.array_equal(thin(thinned), thinned)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="task 'rims': max_distance=3, num_thresholds=9: give a"):
        MultiTaskEdgesMetric("rims", max_distance=3)
    with pytest.raises(ValueError, match=r"image a\.jpg: the prediction is not everywhere a prob"):
        scores([(line(3), line(3) * 2)])
    with pytest.raises(ValueError, match=r"values \[0, 2\], expected 0, 1 and 255"):
        scores([(line(3) * 2, line(3))])


def test_more_thresholds_of_the_same_ones_never_lower_the_scores() -> None:
    rng = np.random.default_rng(2)
    shares = cv2.GaussianBlur(line(12) + 0.3 * rng.random((40, 40)), (5, 5), 1).clip(0, 1)
    found = [scores([(line(12), shares)], num_thresholds=n)["rims/odsF"] for n in (1, 3, 7)]
    assert all(low <= high + 1e-9 for low, high in pairwise(found))
