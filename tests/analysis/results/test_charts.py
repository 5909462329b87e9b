from __future__ import annotations

import math
import re

import pytest

from mtlplugins.analysis.results.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    MOST_POINTS,
    RIGHT,
    TOP,
    WIDTH,
    Curve,
    chart,
    thinned,
)


def test_points_lie_where_the_axes_say() -> None:
    svg = chart("a < b", "epoch", [Curve("run", "#123456", [(0, 0.0), (1, 4.0), (2, 2.0)])])
    (path,) = re.findall(r'<path d="M([^"]+)" class="curve" stroke="#123456">', svg)
    points = [tuple(map(float, point.split())) for point in path.split("L")]
    middle = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    assert points == [(LEFT, HEIGHT - BOTTOM), (middle[0], TOP), (WIDTH - RIGHT, middle[1])]
    assert "a &lt; b" in svg


def test_a_constant_and_a_single_point_can_be_drawn() -> None:
    svg = chart("x", "epoch", [Curve("run", "#000", [(3, 5.0)], dashed=True)])
    assert "stroke-dasharray" in svg
    assert "nan" not in svg
    assert chart("x", "epoch", [Curve("run", "#000", [(1, math.nan)])]) == ""


def test_an_empty_curve_beside_a_full_one_draws_nothing() -> None:
    full = Curve("run", "#000", [(0, 1.0), (1, 2.0)])
    assert chart("x", "epoch", [full, Curve("other", "#111", [])]).count('class="curve"') == 1


def test_thinning_keeps_the_means() -> None:
    points = [(float(i), float(i * i)) for i in range(4 * MOST_POINTS)]
    few = thinned([*points, (1e9, math.inf)])
    assert len(few) == MOST_POINTS
    assert few[0] == pytest.approx((1.5, 14 / 4))  # of 0 1 4 9
    assert sum(y for _, y in few) / len(few) == pytest.approx(
        sum(y for _, y in points) / len(points)
    )
