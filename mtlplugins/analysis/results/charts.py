"""Small SVG line charts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 380, 230
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 26, 34
MOST_POINTS = 240

#: Colour-blind-safe palette (Okabe and Ito 2008), followed by darker colours.
COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
    "#4b4b4b", "#7b3294", "#8c510a", "#b2182b", "#01665e", "#4d9221",
)  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """Points of one run; ``dashed`` if the run is incomplete."""

    label: str
    colour: str
    points: list[tuple[float, float]]
    dashed: bool = False


def colour(index: int) -> str:
    """Return the colour of the ``index``-th experiment."""
    return COLOURS[index % len(COLOURS)]


def chart(title: str, axis: str, curves: Sequence[Curve]) -> str:
    """Draw a line chart.

    Args:
        title: Title above the chart.
        axis: Label of the horizontal axis.
        curves: Curves; points that are not finite are left out.

    Returns:
        An ``<svg>`` element; an empty string if no curve has a point.
    """
    curves = [Curve(c.label, c.colour, thinned(c.points), c.dashed) for c in curves]
    points = [point for curve in curves for point in curve.points]
    if not points:
        return ""
    x_ticks = _ticks([x for x, _ in points], smallest=1)
    y_ticks = _ticks([y for _, y in points])
    x_range = (min(x for x, _ in points), max(x for x, _ in points))
    y_range = (min(y_ticks[0], *(y for _, y in points)), max(y_ticks[-1], *(y for _, y in points)))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x_range[0]) / (x_range[1] - x_range[0] or 1)
        up = (y - y_range[0]) / (y_range[1] - y_range[0] or 1)
        return (
            round(LEFT + across * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1),
        )

    parts = [f'<text x="{LEFT}" y="15" class="title">{escape(title)}</text>']
    for value in y_ticks:
        _, y = place(x_range[0], value)
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" class="end">{value:g}</text>')
    for value in x_ticks:
        if x_range[0] <= value <= x_range[1]:
            x, _ = place(value, y_range[0])
            parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 15}" class="mid">{value:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 4}" class="mid">{escape(axis)}</text>')
    for curve in curves:
        if not curve.points:
            continue
        places = [place(*point) for point in curve.points]
        style = f'stroke="{curve.colour}"' + (' stroke-dasharray="5 3"' if curve.dashed else "")
        path = "M" + "L".join(f"{x} {y}" for x, y in places)
        if len(places) == 1:  # a path of one point is invisible; draw a cross
            x, y = places[0]
            path = f"M{x - 2.5} {y}h5M{x} {y - 2.5}v5"
        name = f"<title>{escape(curve.label)}</title>"
        parts.append(f'<path d="{path}" class="curve" {style}>{name}</path>')
    body = "".join(parts)
    label = escape(title, quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{body}</svg>'


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


def _ticks(values: Sequence[float], *, about: int = 4, smallest: float = 0.0) -> list[float]:
    """Choose round tick values that enclose the data, at least ``smallest`` apart."""
    low, high = min(values), max(values)
    span = (high - low) or abs(high) or 1.0
    magnitude = 10 ** math.floor(math.log10(span / about))
    step = next(m * magnitude for m in (1, 2, 5, 10) if span / (m * magnitude) <= about + 0.5)
    step = max(step, smallest)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(i * step, 10) for i in range(first, last + 1)]
