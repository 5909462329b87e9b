"""Charts of the results page, group by group: gains, scores, losses, weights, affinity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .affinity_tables import reports_of
from .baselines import gain_spreads
from .charts import Chart, Curve, gain_chart, line_chart, matrix_chart
from .runs import Run
from .summary import Spreads, Summary, union
from .tables import arrow, directions, metric_names

Points = list[tuple[float, float]]


def chart_groups(summaries: Sequence[Summary]) -> Iterator[tuple[str, list[Chart]]]:
    """Yield the groups that have charts, each with its heading."""
    groups = (
        ("Gains over single tasks", _gains(summaries)),
        ("Validation", _validation(summaries)),
        ("Task weights and gradient shares", _training(summaries, _is_of_balancing)),
        ("Task affinity", _affinity(summaries)),
        ("Training", _training(summaries, lambda name: not _is_of_balancing(name))),
    )
    for heading, charts in groups:
        if found := [chart for chart in charts if chart is not None]:
            yield heading, found


def title_of(summary: Summary, run: Run) -> str:
    """Name a run: experiment, seed, and its state if it is incomplete."""
    seed = "" if run.seed is None else f", seed {run.seed}"
    return f"{summary.label}{seed}" + ("" if run.complete else f" ({run.state})")


def _gains(summaries: Sequence[Summary]) -> Iterator[Chart | None]:
    gains = gain_spreads(summaries)
    labels = [summary.label for summary in summaries]
    by_owner: dict[str, dict[str, Spreads]] = {}
    for label, spreads in gains.items():
        for name, spread in spreads.items():
            task, _, metric = name.rpartition("/")
            own = by_owner.setdefault(task, {}).setdefault(label, {})
            own[metric or "Δm"] = spread
    for task, found in by_owner.items():
        of = f" in {task}" if task else ""
        yield gain_chart(f"gain over single tasks{of}, %", found, labels)


def _validation(summaries: Sequence[Summary]) -> Iterator[Chart | None]:
    up = directions(summaries)
    units = " / ".join(sorted({run.unit for summary in summaries for run in summary.runs}))
    for name in metric_names(summaries):

        def scores(run: Run, name: str = name) -> Points:
            return [(v.position, v.scores[name]) for v in run.log.validations if name in v.scores]

        yield line_chart(name + arrow(up.get(name)), units, _curves(summaries, scores))


def _training(
    summaries: Sequence[Summary], wanted: Callable[[str], bool]
) -> Iterator[Chart | None]:
    names = union(e.values for s in summaries for run in s.runs for e in run.log.train)
    for name in filter(wanted, names):

        def values(run: Run, name: str = name) -> Points:
            return [(e.step, e.values[name]) for e in run.log.train if name in e.values]

        yield line_chart(name, "iteration", _curves(summaries, values))


def _is_of_balancing(name: str) -> bool:
    return name.endswith(("_weight", "_share"))


def _affinity(summaries: Sequence[Summary]) -> Iterator[Chart | None]:
    """Draw what `mtlplugins affinity` left: cosines, and shares of the gradients over time."""
    labels = [summary.label for summary in summaries]
    for title, _, report in reports_of(summaries):
        tasks = report["tasks"]
        for name, part in (("", report["own"]), (", one embedding", report["folded"])):
            if part:
                cosines = part["parts"]["all"]["cosine"]
                yield matrix_chart(f"{title}: cosines of gradients{name}", tasks, cosines)
        number = next(i for i, label in enumerate(labels) if title.startswith(label))
        yield line_chart(
            f"{title}: share of the gradient, %",
            "checkpoint",
            [
                Curve(task, number, _shares(report, index), tint=index)
                for index, task in enumerate(tasks)
            ],
            legend=True,
        )


def _shares(report: dict[str, Any], task: int) -> Points:
    """Return a task's share in percent by the number in the checkpoint's name, or its place."""
    numbers = [Path(name).stem.rpartition("_")[2] for name in report["checkpoints"]]
    places = map(int, numbers) if all(map(str.isdecimal, numbers)) else range(1, len(numbers) + 1)
    history = report["own"]["history"]
    return [(place, 100 * at["share"][task]) for place, at in zip(places, history, strict=True)]


def _curves(summaries: Sequence[Summary], points: Callable[[Run], Points]) -> list[Curve]:
    return [
        Curve(title_of(summary, run), number, points(run), dashed=not run.complete)
        for number, summary in enumerate(summaries)
        for run in summary.runs
    ]
