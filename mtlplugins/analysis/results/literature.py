"""Runs beside a table that papers share, by the papers' protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from statistics import fmean
from typing import Any

from mtlplugins.common.shipped_configs import configs_folder

from .baselines import summaries_by_name
from .runs import Run
from .summary import Spread, Summary
from .table import EMPTY, Cell, Table

#: Number of validations, the last ones, that papers average.
EPOCHS = 10


def literature_tables(summaries: Sequence[Summary]) -> list[Table]:
    """Make a table of the published and our scores for each protocol that a metric computed.

    Ours are means over the last ten validations of a run, then over complete runs. Δm is the mean
    over all columns of the relative change against the experiments of ``experiment.baselines`` in
    percent, negative where a run is better, as in the papers (Maninis et al. 2019,
    arXiv:1904.08918, with the sign turned). It is left out where a column lacks a baseline.
    """
    found = []
    for name, literature in published().items():
        ours = [s for s in summaries if any(f"/{name}/" in metric for metric in s.scores)]
        if ours:
            found.append(_table(name, literature, ours, summaries))
    return found


@cache
def published() -> dict[str, dict[str, Any]]:
    """Read the published tables of all families of configs, by protocol; cached."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(configs_folder().rglob("literature.json")):
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def last_epochs(run: Run) -> dict[str, float]:
    """Average the scores of a run's last ten validations.

    Returns:
        The means of the scores that all of these validations have.
    """
    last = [validation.scores for validation in run.log.validations[-EPOCHS:]]
    names = set.intersection(*map(set, last)) if last else set()
    return {name: fmean(scores[name] for scores in last) for name in names}


def change(scores: Mapping[str, float], base: Mapping[str, float], up: Mapping[str, bool]) -> float:
    """Compute the mean relative change of scores in percent, negative where they are better."""
    signs = {name: -1 if up[name] else 1 for name in base}
    return fmean(100 * signs[n] * (scores[n] - base[n]) / base[n] for n in base)


def _table(
    name: str, literature: dict[str, Any], ours: Sequence[Summary], all_: Sequence[Summary]
) -> Table:
    columns = literature["columns"]
    rows = [
        [Cell(f"{method} ({source})"), Cell(EMPTY), *map(_plain, values[:-1]), _signed(values[-1])]
        for method, source, *values in literature["rows"]
    ]
    rows += [_ours(summary, columns, all_) for summary in ours]
    caption = (
        f"{literature['caption']} Our rows: the mean of the last {EPOCHS} validations of each "
        "complete run ± sample standard deviation over runs, Δm against their own single-task "
        "baselines. Networks and training differ, so compare Δm rather than scores."
    )
    notes = []
    for summary in ours:
        counts = {min(EPOCHS, len(run.log.validations)) for run in summary.runs if run.complete}
        if counts - {EPOCHS}:
            notes.append(f"{summary.label}: only {min(counts)} validations.")
    header = ["", "runs", *literature["header"], "Δm % ↓"]
    return Table(f"Beside the literature: {name}", " ".join([caption, *notes]), header, rows)


def _ours(summary: Summary, columns: Mapping[str, float], all_: Sequence[Summary]) -> list[Cell]:
    runs = [last_epochs(run) for run in summary.runs if run.complete]
    cells = []
    for metric, factor in columns.items():
        spread = Spread.of(run[metric] * factor for run in runs if metric in run)
        cells.append(_spread(spread, "{:.4g}", "{:.2g}"))
    base = _baselines(summary, columns, all_)
    deltas = []
    if base:
        up = summary.higher_is_better
        deltas = [change(run, base, up) for run in runs if run.keys() >= base.keys()]
    delta = _spread(Spread.of(deltas), "{:+.2f}", "{:.2f}")
    return [Cell(summary.label), Cell(str(summary.complete)), *cells, delta]


def _baselines(
    summary: Summary, columns: Mapping[str, float], all_: Sequence[Summary]
) -> dict[str, float]:
    """Return the baseline's score of each column; empty if one has none."""
    by_name = summaries_by_name(all_)
    scores: dict[str, float] = {}
    for task, name in dict(summary.experiment.get("baselines") or {}).items():
        if name in by_name:
            runs = [last_epochs(run) for run in by_name[name].runs if run.complete]
            for metric in columns:
                found = Spread.of(run.get(metric) for run in runs)
                if metric.startswith(f"{task}/") and found:
                    scores[metric] = found.mean
    return scores if scores.keys() == columns.keys() and all(scores.values()) else {}


def _spread(spread: Spread | None, mean: str, deviation: str) -> Cell:
    if spread is None:
        return Cell(EMPTY)
    text = mean.format(spread.mean)
    return Cell(text if spread.std is None else f"{text} ± {deviation.format(spread.std)}")


def _plain(value: float) -> Cell:
    return Cell(f"{value:.4g}")


def _signed(value: float) -> Cell:
    return Cell(f"{value:+.2f}")
