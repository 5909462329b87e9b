"""Images of a report of affinity."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .report import Report


def draw(report: Report, folder: Path) -> None:
    """Write ``cosines.png``, ``conflicts.png``, ``look_ahead.png`` and ``shares.png``."""
    for name, figure in (
        ("cosines", _cosines(report)),
        ("conflicts", _conflicts(report)),
        ("look_ahead", _look_ahead(report)),
        ("shares", _shares(report)),
    ):
        figure.savefig(folder / f"{name}.png", dpi=110)


def _cosines(report: Report) -> Figure:
    """Draw the cosine of each pair of tasks in each part, with one embedding below."""
    tasks = report["tasks"]
    pairs = list(combinations(range(len(tasks)), 2))
    parts = list(report["own"]["parts"])
    rows, names = [], []
    for label, found in (("", report["own"]), (" (one embedding)", report["folded"])):
        for i, j in pairs if found else ():
            rows.append([found["parts"][part]["cosine"][i][j] for part in parts])
            names.append(f"{tasks[i]} – {tasks[j]}{label}")
    figure, axes = _figure(2.5 + 0.32 * len(parts), 2.2 + 0.32 * len(rows))
    _heat(figure, axes, rows, names, parts, limit=1, form=None)
    axes.set_title("cosine of task gradients by part")
    return figure


def _conflicts(report: Report) -> Figure:
    """Draw the rate of conflicts; the diagonal is a task with itself."""
    tasks = report["tasks"]
    side = 2 + 0.9 * len(tasks)
    figure, axes = _figure(side + 1, side)
    rates = report["own"]["parts"]["all"]["conflicts"]
    percent = [[None if value is None else 100 * value for value in row] for row in rates]
    _heat(figure, axes, percent, tasks, tasks, limit=100, form="{:.0f}", signed=False)
    axes.set_title("halves of batches in conflict, %")
    return figure


def _look_ahead(report: Report) -> Figure:
    tasks = report["tasks"]
    tables = [("own embeddings", report["own"]), ("one embedding", report["folded"])]
    shown = [(title, found["look_ahead"]) for title, found in tables if found]
    values = [abs(v) for _, table in shown for row in table for v in row if v is not None]
    side = 2 + 0.9 * len(tasks)
    figure = Figure(figsize=((side + 1) * len(shown), side), layout="constrained")
    for number, (title, table) in enumerate(shown, 1):
        axes = figure.add_subplot(1, len(shown), number)
        _heat(figure, axes, table, tasks, tasks, limit=max(values, default=1), form="{:+.2g}")
        axes.set_title(f"look-ahead, %: {title}")
        axes.set_ylabel("step for")
        axes.set_xlabel("gain of")
    return figure


def _shares(report: Report) -> Figure:
    """Draw each task's share of the summed norm, a bar for each checkpoint."""
    history = report["own"]["history"]
    names = [Path(checkpoint).stem for checkpoint in report["checkpoints"]]
    figure, axes = _figure(2.5 + 0.8 * len(history), 3.2)
    bottom = np.zeros(len(history))
    for number, task in enumerate(report["tasks"]):
        height = np.array([found["share"][number] or 0 for found in history])
        axes.bar(names, height, bottom=bottom, label=task)
        bottom += height
    axes.tick_params(axis="x", rotation=45)
    axes.set_ylabel("share of the summed norm")
    figure.legend(loc="outside right upper")
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _heat(
    figure: Figure,
    axes: Axes,
    rows: Sequence[Sequence[float | None]],
    row_names: Sequence[str],
    column_names: Sequence[str],
    *,
    limit: float,
    form: str | None,
    signed: bool = True,
) -> None:
    """Draw a table as a heat map, blue below 0 and red above; white where it is not known."""
    values = np.array(rows, dtype=float)
    colours, lowest = ("RdBu_r", -limit) if signed else ("Reds", 0)
    image = axes.imshow(values, cmap=colours, vmin=lowest, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(column_names)), column_names, rotation=60, ha="right")
    axes.set_yticks(range(len(row_names)), row_names)
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            if form is not None and np.isfinite(value):
                colour = "white" if abs(value) > 0.6 * limit else "black"
                axes.text(j, i, form.format(value), ha="center", va="center", color=colour)
    figure.colorbar(image)
