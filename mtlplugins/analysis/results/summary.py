"""Summary of an experiment: averages over its runs, for tables and files.

Results flow one way: work dirs are read (:mod:`.runs`), grouped by config (:mod:`.groups`),
summarised here, laid out (:mod:`.tables`) and written (:mod:`.table`, :mod:`.csv_files`,
:mod:`.page`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import METRICS, MODELS

from mtlplugins.analysis.complexity import count_parameters

from .cards import card, learned_tasks
from .groups import Group
from .runs import Run


class Spread(NamedTuple):
    """Mean and sample standard deviation (None for a single run) of n runs."""

    mean: float
    std: float | None
    n: int

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Spread | None:
        """Average the values that are not None; None if there are none."""
        found = [value for value in values if value is not None]
        if not found:
            return None
        return cls(fmean(found), stdev(found) if len(found) > 1 else None, len(found))


Spreads = dict[str, Spread]


@dataclass(frozen=True)
class Summary:
    """Summary of an experiment; its numbers are averages over the complete runs.

    Attributes:
        label: Name in the tables.
        note: Difference to another experiment of the same name.
        runs: All runs, also incomplete ones.
        complete: Number of complete runs.
        config: Config of the runs; they differ only in seed and folders.
        card: Experiment card, see :func:`.cards.card`.
        tasks: Tasks that the model learns, in its order.
        parameters: ``params`` and ``trainable``; empty if the model cannot be built here.
        higher_is_better: Direction of the metrics that declare one, by ``<task>/<metric>``.
        published: Published scores, by ``<task>/<metric>``.
        scores: Scores of the last validation.
        tested: Scores of the test; empty unless all runs were tested.
        best: Scores of the best checkpoints, by the metric that chose them.
        training: Losses and accuracies of the last epoch, by name in the log.
        seconds: Training time by ``iteration`` and ``epoch``, where known.
    """

    label: str
    note: str
    runs: list[Run]
    complete: int
    config: Config
    card: dict[str, str]
    tasks: list[str]
    parameters: dict[str, int]
    higher_is_better: dict[str, bool]
    published: dict[str, float]
    scores: Spreads
    tested: Spreads
    best: dict[str, Spreads]
    training: Spreads
    seconds: Spreads

    @property
    def incomplete(self) -> int:
        """Number of incomplete runs, which are not averaged."""
        return len(self.runs) - self.complete

    @property
    def experiment(self) -> dict[str, Any]:
        """Published results of the experiment; empty if there are none."""
        return self.runs[0].experiment


def summarise(group: Group) -> Summary:
    """Average the complete runs of a group, count the model's parameters, and make its card."""
    config, complete = group.runs[0].config, group.complete
    choosers = union(run.best for run in complete)
    seconds = dict(
        iteration=Spread.of(run.time_per_iteration for run in complete),
        epoch=Spread.of(run.time_per_epoch for run in complete),
    )
    return Summary(
        label=group.label,
        note=group.note,
        runs=group.runs,
        complete=len(complete),
        config=config,
        card=card(config),
        tasks=learned_tasks(config),
        parameters=_parameters(config, group.label),
        higher_is_better=directions_of(config, group.label),
        published=dict(group.runs[0].experiment.get("published") or {}),
        scores=_spreads(complete, lambda run: run.final),
        tested=_spreads(complete, lambda run: run.tested)
        if all(run.tested for run in complete)
        else {},
        best={
            chooser: _spreads([run for run in complete if chooser in run.best], _best(chooser))
            for chooser in choosers
        },
        training=_spreads(complete, lambda run: run.final_training),
        seconds={what: spread for what, spread in seconds.items() if spread},
    )


def union(dictionaries: Iterable[dict[str, Any]]) -> list[str]:
    """List the keys of all dictionaries, each once, in order."""
    return list(dict.fromkeys(name for dictionary in dictionaries for name in dictionary))


def _spreads(runs: list[Run], values: Callable[[Run], dict[str, float]]) -> Spreads:
    found = [values(run) for run in runs]
    spreads = {name: Spread.of(scores.get(name) for scores in found) for name in union(found)}
    return {name: spread for name, spread in spreads.items() if spread}


def _best(chooser: str) -> Callable[[Run], dict[str, float]]:
    return lambda run: run.best[chooser].scores


def _parameters(config: Config, label: str) -> dict[str, int]:
    init_default_scope("mmseg")
    try:
        return count_parameters(MODELS.build(config.model).train())
    except Exception as error:  # an error of the model must not hide the scores
        print(f"{label}: parameters not counted, {type(error).__name__}: {error}")
        return {}


def directions_of(config: Config, label: str) -> dict[str, bool]:
    """Return by ``<task>/<metric>`` whether higher is better, for metrics that declare it.

    Args:
        config: The config; a metric that cannot be built is left out, and printed.
        label: Name of the experiment, to print.
    """
    init_default_scope("mmseg")
    evaluators = config.get("val_evaluator") or []
    evaluators = [evaluators] if isinstance(evaluators, dict) else evaluators
    found = {}
    for evaluator in evaluators:
        try:
            metric = METRICS.build(evaluator)
        except Exception as error:  # a missing metric must not hide the scores
            print(f"{label}: {type(error).__name__}: {error}")
            continue
        for name, higher in getattr(metric, "higher_is_better", {}).items():
            found[f"{metric.prefix}/{name}"] = higher
    return found
