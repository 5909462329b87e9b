"""Filling of polygons, against matplotlib's test of single points and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from mtlplugins.datasets.annotations.polygons import Polygon
from mtlplugins.datasets.annotations.shapes import ellipse, polygon


def painted(points: object, size: tuple[int, int] = (4, 5)) -> np.ndarray:
    labels = np.zeros(size, np.int32)
    Polygon(np.array(points, np.float32)).paint(labels, 1)
    return labels


def test_a_pixel_belongs_by_its_centre() -> None:
    # from x 1 to 3.4 and y 0.6 to 2.5: centres 1.5 and 2.5 in x, 1.5 in y; not 2.5, on the border
    box = [[1, 0.6], [3.4, 0.6], [3.4, 2.5], [1, 2.5]]
    want = [[0, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert painted(box).tolist() == want
    assert painted(box[::-1]).tolist() == want
    assert painted([[0, 0], [5, 0], [5, 4], [0, 4]]).all()
    assert not painted([[1, 1], [3, 3]]).any()  # no area
    assert not painted(np.zeros((0, 2))).any()


def test_polygons_agree_with_matplotlib() -> None:
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[0:40, 0:60]
    centres = np.stack([columns + 0.5, rows + 0.5], -1).reshape(-1, 2)
    for _ in range(30):
        angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 12)))
        radii = random.uniform(3, 40, len(angles))  # some lead out of the image
        star = np.stack([30 + radii * np.cos(angles), 20 + radii * np.sin(angles)], -1)
        star = star.astype(np.float32)
        want = Outline(star).contains_points(centres).reshape(40, 60)
        np.testing.assert_array_equal(painted(star, (40, 60)), want)


def test_areas_that_share_edges_cover_each_pixel_once() -> None:
    random = np.random.default_rng(1)
    corners = [[0, 0], [7, 0], [16, 0], [16, 5], [16, 12], [9, 12], [0, 12], [0, 5.5]]
    for _ in range(20):
        middle = random.choice([*np.arange(0.5, 12, 0.5)], 2)  # also on centres of pixels
        count = np.zeros((12, 16), int)
        for i, corner in enumerate(corners):
            triangle = [corner, corners[(i + 1) % len(corners)], middle]
            count += painted(triangle if i % 2 else triangle[::-1], (12, 16))
        assert (count == 1).all()


def test_areas_and_ellipses() -> None:
    assert Polygon(np.array([[0, 0], [4, 0], [0, 3]])).area == 6
    flat = np.zeros((40, 60), np.int32)
    ellipse((30, 20), (20, 10), 90).paint(flat, 1)  # upright
    rows, columns = np.mgrid[0:40, 0:60]
    inside = ((columns + 0.5 - 30) / 10) ** 2 + ((rows + 0.5 - 20) / 20) ** 2 < 1
    assert (flat != inside).sum() < 10
    assert flat[:, 30].sum() == 40


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([1, 2, 3], "no pairs of numbers"),
        ([1, 2, "x", 4], "no pairs of numbers"),
        ([[1, 2], [3]], "no pairs of numbers"),
        ([1, 2, 9, 2, 3, 3], r"\[9.0, 2.0\] is outside of the image of 5 x 4"),
        ([1, 2, float("nan"), 2, 3, 3], "is outside of the image"),
        ([1, 2, 10**400, 2, 3, 3], "no pairs of numbers"),
    ],
)
def test_broken_points(points: list, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        polygon(points, (4, 5))
