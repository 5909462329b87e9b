"""The front of a search: what no other candidate beats in every metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from matplotlib.figure import Figure

from .search import Scored


def front(points: Sequence[Sequence[float]]) -> list[bool]:
    """Say which points no other dominates: is as good in all coordinates and better in one.

    Args:
        points: Points with coordinates of which higher is better.
    """

    def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
        return all(x >= y for x, y in zip(a, b, strict=True)) and tuple(a) != tuple(b)

    return [not any(dominates(other, point) for other in points) for point in points]


def draw_front(
    scored: Sequence[Scored], metrics: Sequence[str], up: Mapping[str, bool], file: Path
) -> None:
    """Draw the candidates in the plane of each two metrics, those on their front filled.

    Args:
        scored: The candidates.
        metrics: The metrics, two or more.
        up: Whether higher is better, by metric.
        file: The image to write.
    """
    planes = list(combinations(metrics, 2))
    figure = Figure(figsize=(5 * len(planes), 4.2), layout="constrained")
    for number, (x, y) in enumerate(planes, 1):
        axes = figure.add_subplot(1, len(planes), number)
        spreads = [(s.scores[x], s.scores[y]) for s in scored]
        signs = [1 if up[name] else -1 for name in (x, y)]
        best = front([[g * v.mean for g, v in zip(signs, s, strict=True)] for s in spreads])
        for candidate, (across, above), filled in zip(scored, spreads, best, strict=True):
            axes.errorbar(
                across.mean,
                above.mean,
                xerr=across.std or 0,
                yerr=above.std or 0,
                fmt="o",
                color="#0072b2" if filled else "#999999",
                markerfacecolor=None if filled else "white",
            )
            axes.annotate(
                "-".join(f"{weight:g}" for weight in candidate.weights.values()),
                (across.mean, above.mean),
                textcoords="offset points",
                xytext=(5, 4),
                fontsize=8,
            )
        edge = sorted((a.mean, b.mean) for (a, b), f in zip(spreads, best, strict=True) if f)
        axes.plot(*zip(*edge, strict=True), color="#0072b2", linewidth=1)
        axes.set_xlabel(f"{x} {'↑' if up[x] else '↓'}")
        axes.set_ylabel(f"{y} {'↑' if up[y] else '↓'}")
    figure.suptitle(f"weights in the order {'-'.join(scored[0].weights)}; bars: seeds")
    figure.savefig(file, dpi=130)
