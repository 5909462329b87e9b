"""Charts of the results page, as figures of Plotly in plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from .summary import Spread

MOST_POINTS = 240

#: Colour-blind-safe palette (Okabe and Ito 2008), followed by others; visible on light and dark.
COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
    "#8a8a8a", "#9b59c0", "#a5722f", "#d0455b", "#2a9d9d", "#6fa84b",
)  # fmt: skip

#: From -1 to 1; Plotly's own scales of that name run the other way in its script and in Python.
_DIVERGING = (
    (0, "#2166ac"),
    (0.25, "#92c5de"),
    (0.5, "#f7f7f7"),
    (0.75, "#f4a582"),
    (1, "#b2182b"),
)

#: Title, ``data`` and ``layout`` of a figure; a trace's ``meta`` is its experiment's number.
Chart = dict[str, Any]


@dataclass(frozen=True)
class Curve:
    """Points of one run of the ``experiment``-th experiment; ``dashed`` if it is incomplete.

    Its colour is the experiment's, or that of ``tint``.
    """

    label: str
    experiment: int
    points: list[tuple[float, float]]
    dashed: bool = False
    tint: int | None = None


def colour(index: int) -> str:
    """Return the colour of the ``index``-th experiment."""
    return COLOURS[index % len(COLOURS)]


def line_chart(
    title: str, axis: str, curves: Sequence[Curve], *, legend: bool = False
) -> Chart | None:
    """Make a line chart; None if no curve has a point.

    Args:
        title: Title above the chart.
        axis: Label of the horizontal axis.
        curves: Curves; points that are not finite are left out.
        legend: Whether to name the curves; those in their experiments' colours need it not.
    """
    data: list[dict[str, Any]] = []
    for curve in curves:
        points = thinned(curve.points)
        if points:
            tint = curve.experiment if curve.tint is None else curve.tint
            line = dict(color=colour(tint), dash="dash" if curve.dashed else "solid")
            data.append(
                dict(
                    type="scatter",
                    mode="lines" if len(points) > 30 else "lines+markers",
                    x=[x for x, _ in points],
                    y=[y for _, y in points],
                    name=escape(curve.label),
                    line=line,
                    marker=dict(size=6),
                    meta=curve.experiment,
                    hovertemplate="%{y:.4g}",
                )
            )
    if not data:
        return None
    # all curves' values at the nearest place, wherever the pointer is
    hover: dict[str, Any] = dict(hovermode="x unified", hoverdistance=-1)
    places = [x for trace in data for x in trace["x"]]
    few = max(places) - min(places) < 8 and all(float(x).is_integer() for x in places)
    ticks = dict(dtick=1) if few else {}  # there is no epoch 3.5
    xaxis = dict(title=dict(text=escape(axis)), **ticks)
    return _chart(title, data, xaxis=xaxis, showlegend=legend, **hover)


def gain_chart(
    title: str, gains: Mapping[str, Mapping[str, Spread]], experiments: Sequence[str]
) -> Chart:
    """Make bars of the gains in percent by experiment's label, with their spread over runs."""
    data = []
    for label, spreads in gains.items():
        number = experiments.index(label)
        spread = [spread.std or 0 for spread in spreads.values()]
        data.append(
            dict(
                type="bar",
                x=[escape(name) for name in spreads],
                y=[spread.mean for spread in spreads.values()],
                error_y=dict(type="data", array=spread, visible=any(spread)),
                name=escape(label),
                marker=dict(color=colour(number)),
                meta=number,
                hovertemplate="%{x}: %{y:+.2f} %",
            )
        )
    return _chart(title, data, barmode="group")


def matrix_chart(title: str, names: Sequence[str], values: Sequence[Sequence]) -> Chart:
    """Make a matrix of values from -1 (blue) to 1 (red); None is left empty."""
    shown = [escape(name) for name in names]
    trace = dict(
        type="heatmap", x=shown, y=shown, z=[list(row) for row in values], zmin=-1, zmax=1,
        zmid=0, colorscale=_DIVERGING, hovertemplate="%{y}, %{x}: %{z:.3f}",
        texttemplate="%{z:.2f}", name="",
    )  # fmt: skip
    return _chart(title, [trace], yaxis=dict(autorange="reversed"))


def _chart(title: str, data: list[dict], **layout: Any) -> Chart:
    return dict(title=escape(title), data=data, layout=layout)


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Average neighbouring finite points, so that at most MOST_POINTS are left."""
    points = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    size = math.ceil(len(points) / MOST_POINTS)
    if size <= 1:
        return points
    parts = [points[i : i + size] for i in range(0, len(points), size)]
    return [
        (sum(x for x, _ in part) / len(part), sum(y for _, y in part) / len(part)) for part in parts
    ]
