"""Measured gains of trained groups of tasks over single-task runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from statistics import fmean

from mtlplugins.analysis.results import group_runs, read_run, summarise
from mtlplugins.analysis.results.baselines import gain_of, owner
from mtlplugins.analysis.results.summary import Summary


def measured_gains(
    work_dirs: Sequence[str | Path], tasks: Collection[str]
) -> dict[frozenset[str], dict[str, float]]:
    """Compute the gain of each task in each trained group over its single-task runs, in percent.

    Gains are those of the results page, means over complete runs and over the metrics of a task.

    Args:
        work_dirs: Runs; those of other tasks are left out.
        tasks: The tasks.

    Returns:
        Gains by group of two or more tasks, of the tasks that have single-task runs.

    Raises:
        ValueError: Two experiments train the same group, or a folder cannot be read.
    """
    by_group: dict[frozenset[str], Summary] = {}
    for summary in map(summarise, group_runs(map(read_run, work_dirs))):
        group = frozenset(summary.tasks)
        if not group <= set(tasks) or not summary.complete:
            continue
        if group in by_group:
            raise ValueError(
                f"--runs: {by_group[group].label} and {summary.label} both train "
                f"{', '.join(summary.tasks)}: give the runs of one experiment for each group"
            )
        by_group[group] = summary
    found = {}
    for group, summary in by_group.items():
        if len(group) < 2:
            continue
        own = {t: by_group[frozenset([t])] for t in summary.tasks if frozenset([t]) in by_group}
        scores = {
            name: spread.mean
            for task, single in own.items()
            for name, spread in single.scores.items()
            if owner(name) == task
        }
        runs = [
            gain_of(run.final, scores, summary.higher_is_better, tuple(own))
            for run in summary.runs
            if run.complete
        ]
        known = [task for task in own if all(task in run for run in runs)]
        found[group] = {task: fmean(run[task] for run in runs) for task in known}
    return found
