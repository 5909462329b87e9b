"""The results at full precision, for spreadsheets and scripts."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .cards import card
from .escaping import csv_cell
from .groups import Group
from .tables import metric_names


def write_groups(groups: Sequence[Group], path: Path) -> None:
    """Write a line per experiment: card, sizes, times, and each metric.

    A metric ``m`` has the columns ``m`` (mean of the complete runs), ``m std`` (sample standard
    deviation), ``m n`` and ``m published``.
    """
    lines = []
    for group in groups:
        line: dict[str, Any] = dict(experiment=group.label, **card(group.config))
        line |= dict(complete=len(group.complete), incomplete=len(group.runs) - len(group.complete))
        line |= group.parameters
        line |= _spread("s/iteration", group.spread(lambda run: run.time_per_iteration))
        line |= _spread("s/epoch", group.spread(lambda run: run.time_per_epoch))
        figures = {name: 0 for run in group.complete for name in run.final_training}
        for name in figures:
            values = group.spread(lambda run, name=name: run.final_training.get(name))
            line |= _spread(f"train {name}", values)
        published = group.published
        for name in dict.fromkeys([*metric_names([group]), *published]):
            line |= _spread(name, group.spread(lambda run, name=name: run.final.get(name)))
            if name in published:
                line[f"{name} published"] = published[name]
        lines.append(line)
    _write(lines, path)


def write_runs(groups: Sequence[Group], path: Path) -> None:
    """Write a line per run, incomplete ones too: its state, last scores and best checkpoints'."""
    lines = []
    for group in groups:
        for run in group.runs:
            line = dict(experiment=group.label, seed=run.seed, state=run.state)
            line |= dict(work_dir=str(run.work_dir), **run.final)
            for chooser, validation in run.best.items():
                line |= {f"{n}, best {chooser}": v for n, v in validation.scores.items()}
            lines.append(line)
    _write(lines, path)


def _spread(name: str, spread: Any) -> dict[str, float]:
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
