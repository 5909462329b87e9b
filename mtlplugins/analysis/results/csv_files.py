"""CSV files of the results at full precision, for spreadsheets and scripts."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .summary import Spread, Summary
from .tables import metric_names

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def write_experiments(summaries: Sequence[Summary], path: Path) -> None:
    """Write a line per experiment: card, sizes, times, and each metric.

    A metric ``m`` has the columns ``m`` (mean of the complete runs), ``m std`` (sample standard
    deviation), ``m n`` and ``m published``.
    """
    lines = []
    for summary in summaries:
        line: dict[str, Any] = dict(experiment=summary.label, **summary.card)
        line |= dict(complete=summary.complete, incomplete=summary.incomplete)
        line |= summary.parameters
        for what, spread in summary.seconds.items():
            line |= _spread(f"s/{what}", spread)
        for name, spread in summary.training.items():
            line |= _spread(f"train {name}", spread)
        for name in dict.fromkeys([*metric_names([summary]), *summary.published]):
            line |= _spread(name, summary.scores.get(name))
            if name in summary.published:
                line[f"{name} published"] = summary.published[name]
        lines.append(line)
    _write(lines, path)


def write_runs(summaries: Sequence[Summary], path: Path) -> None:
    """Write a line per run, also incomplete ones: state, last scores, best checkpoints' scores."""
    lines = []
    for summary in summaries:
        for run in summary.runs:
            line: dict[str, Any] = dict(experiment=summary.label, seed=run.seed, state=run.state)
            line |= dict(work_dir=str(run.work_dir), **run.final)
            for chooser, validation in run.best.items():
                line |= {f"{n}, best {chooser}": v for n, v in validation.scores.items()}
            lines.append(line)
    _write(lines, path)


def csv_cell(value: Any) -> Any:
    """Escape text that a spreadsheet would run as a formula, by a leading quote."""
    formula = isinstance(value, str) and value.startswith(_FORMULAS) and len(value) > 1
    return f"'{value}" if formula else value


def _spread(name: str, spread: Spread | None) -> dict[str, float]:
    if spread is None:
        return {}
    std = {} if spread.std is None else {f"{name} std": spread.std}
    return {name: spread.mean, **std, f"{name} n": spread.n}


def _write(lines: list[dict[str, Any]], path: Path) -> None:
    header = dict.fromkeys(key for line in lines for key in line)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(map(csv_cell, header))
        writer.writerows([csv_cell(line.get(name, "")) for name in header] for line in lines)
