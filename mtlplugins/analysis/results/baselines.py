"""Gain of multi-task runs over single-task baselines, in percent."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from .summary import Spread, Spreads, Summary, union
from .table import EMPTY, Cell, Table

#: Relative gains of one run in percent: over all (``""``), by task, and by ``<task>/<metric>``.
Gains = dict[str, float]


def baseline_table(summaries: Sequence[Summary]) -> Table | None:
    """Compare the experiments whose configs name baselines with these.

    ``experiment.baselines`` of a config names, by task, the single-task experiment (its
    ``experiment.name`` or the stem of its config file) that a run is compared with. The gain of a
    metric is ``(M - B) / |B|`` of its score M and the baseline's mean B over runs, with the sign
    turned where lower is better; of a task, the mean over its metrics; Δm is the mean over tasks.
    Maninis et al. 2019 (arXiv:1904.08918), equation 4; Vandenhende et al. 2021 (arXiv:2004.13379),
    with one metric per task.

    Returns:
        A row per experiment with baselines; None if no config names any.
    """
    problems: list[str] = []
    gains = gain_spreads(summaries, problems)
    if not gains:
        return None
    names = sorted(union(gains.values()), key=_order)
    rows = [
        [Cell(s.label), Cell(str(s.complete)), *(_cell(gains[s.label].get(n)) for n in names)]
        for s in summaries
        if s.label in gains
    ]
    caption = (
        "Gain over the single-task baselines in percent, higher is better: the mean of the "
        "complete runs ± their sample standard deviation. The baselines enter with their means, so "
        "their own spread is not in it. A task is the mean over its metrics, Δm the mean over "
        "tasks (Maninis et al. 2019, arXiv:1904.08918)."
    )
    header = ["", "runs", *("Δm" if name == "" else f"{name}" for name in names)]
    return Table("Against single tasks", " ".join([caption, *problems]), header, rows)


def gain_spreads(
    summaries: Sequence[Summary], problems: list[str] | None = None
) -> dict[str, Spreads]:
    """Compute the gains over baselines by experiment's label, as :func:`baseline_table` says.

    Args:
        summaries: All experiments; those without baselines are left out.
        problems: Is extended by what cannot be compared.
    """
    by_name = summaries_by_name(summaries)
    found = {}
    for s in summaries:
        if s.experiment.get("baselines"):
            runs = _gains(s, by_name, [] if problems is None else problems)
            spreads = {
                n: Spread.of(r.get(n) for r in runs) for n in sorted(union(runs), key=_order)
            }
            found[s.label] = {name: spread for name, spread in spreads.items() if spread}
    return found


def summaries_by_name(summaries: Sequence[Summary]) -> dict[str, Summary]:
    """Map the names by which a config may call its baselines to these."""
    return {name: s for s in summaries for name in (s.runs[0].stem, s.runs[0].name, s.label)}


def owner(metric: str) -> str:
    """Return the first part of ``<task>/<metric>``; of a protocol's, ``<task>/<protocol>``."""
    return metric.rpartition("/")[0]


def _gains(summary: Summary, by_name: dict[str, Summary], problems: list[str]) -> list[Gains]:
    """Compute the gains of each complete run, and say what cannot be compared."""
    baselines = dict(summary.experiment["baselines"])
    scores: dict[str, float] = {}
    for task, name in baselines.items():
        found = by_name.get(name)
        if found is None:
            problems.append(f"{summary.label}: baseline {name!r} of {task} is not among the runs.")
            continue
        # not those of a protocol, <task>/<protocol>/<metric>, which would count twice
        own = {n: s.mean for n, s in found.scores.items() if owner(n) == task}
        if not own:
            problems.append(f"{summary.label}: baseline {name!r} has no score of {task}.")
        scores |= own
    zero = [name for name, score in scores.items() if score == 0]
    problems += [f"{summary.label}: the baseline's {name} is 0." for name in zero]
    runs = [run for run in summary.runs if run.complete]
    return [gain_of(run.final, scores, summary.higher_is_better, list(baselines)) for run in runs]


def gain_of(
    found: dict[str, float], scores: dict[str, float], up: dict[str, bool], tasks: Sequence[str]
) -> Gains:
    """Compute the gains of one run in percent; Δm only if all tasks can be compared.

    Args:
        found: The run's scores, by ``<task>/<metric>``.
        scores: The baselines'; those of 0 and without a direction are left out.
        up: Whether higher is better, by metric.
        tasks: The tasks to compare.
    """
    scores = {name: score for name, score in scores.items() if name in up and score != 0}
    gains = {
        name: 100 * (found[name] - score) / abs(score) * (1 if up[name] else -1)
        for name, score in scores.items()
        if name in found
    }
    by_task = {
        task: [gain for name, gain in gains.items() if name.startswith(f"{task}/")]
        for task in tasks
    }
    means = {task: fmean(own) for task, own in by_task.items() if own}
    overall = {"": fmean(means.values())} if len(means) == len(tasks) else {}
    return overall | means | gains


def _order(name: str) -> tuple[int, str]:
    """Sort Δm first, then tasks, then metrics."""
    return (0 if name == "" else 2 if "/" in name else 1, name)


def _cell(spread: Spread | None) -> Cell:
    if spread is None:
        return Cell(EMPTY)
    deviation = "" if spread.std is None else f" ± {spread.std:.2f}"
    return Cell(f"{spread.mean:+.2f}{deviation}")
