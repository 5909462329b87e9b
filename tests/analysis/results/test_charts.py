from __future__ import annotations

import math

import pytest

from mtlplugins.analysis.results import Spread
from mtlplugins.analysis.results.charts import (
    MOST_POINTS,
    Curve,
    colour,
    gain_chart,
    line_chart,
    matrix_chart,
    thinned,
)


def test_a_line_has_its_points_its_experiment_and_no_markup() -> None:
    whole = Curve("a < b", 1, [(1, 4.0), (2, math.nan), (3, 2.0)])
    cut = Curve("cut", 0, [(1, 1.0)], dashed=True)
    empty = Curve("empty", 2, [(1, math.inf)])
    chart = line_chart("x < y", "epoch", [whole, cut, empty])
    assert chart["title"] == "x &lt; y"
    one, other = chart["data"]
    assert (one["x"], one["y"], one["name"], one["meta"]) == ([1, 3], [4.0, 2.0], "a &lt; b", 1)
    assert one["line"] == dict(color=colour(1), dash="solid")
    assert other["line"]["dash"] == "dash"
    assert "markers" in other["mode"]  # a single point has no line
    assert line_chart("x", "epoch", [empty]) is None
    assert chart["layout"]["xaxis"]["dtick"] == 1  # there is no epoch 1.5
    assert (
        "dtick"
        not in line_chart("x", "step", [Curve("a", 0, [(0, 1), (90, 1)])])["layout"]["xaxis"]
    )


def test_bars_have_the_gains_and_their_spread() -> None:
    gains = {"b": {"Δm": Spread(1.5, 0.5, 2), "depth": Spread(-3.0, None, 1)}}
    (bar,) = gain_chart("gains", gains, ["a", "b"])["data"]
    assert bar["x"] == ["Δm", "depth"]
    assert bar["y"] == [1.5, -3.0]
    assert bar["error_y"]["array"] == [0.5, 0]
    assert bar["meta"] == 1


def test_a_matrix_reads_from_its_top_left() -> None:
    chart = matrix_chart("cosines", ["a", "b"], [[1, -0.5], [None, 1]])
    assert chart["data"][0]["z"] == [[1, -0.5], [None, 1]]
    assert chart["layout"]["yaxis"]["autorange"] == "reversed"
    (low, blue), *_, (high, red) = chart["data"][0]["colorscale"]
    assert (low, high) == (0, 1)
    assert int(blue[5:7], 16) > int(blue[1:3], 16)
    assert int(red[1:3], 16) > int(red[5:7], 16)


def test_thinning_keeps_the_means() -> None:
    points = [(float(i), float(i * i)) for i in range(4 * MOST_POINTS)]
    few = thinned([*points, (1e9, math.inf)])
    assert len(few) == MOST_POINTS
    assert few[0] == pytest.approx((1.5, 14 / 4))  # of 0 1 4 9
    assert sum(y for _, y in few) / len(few) == pytest.approx(
        sum(y for _, y in points) / len(points)
    )
