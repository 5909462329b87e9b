"""Tables of image-classification runs, laid out like the figures of the study.

A config's ``experiment.figure`` says where its run belongs: ``number`` of the figure, ``model`` in
it, and the study's ``train`` values (``<task>/loss``, ``<task>/acc`` in percent) and
``seconds_per_epoch``. The study's scores on the test data are ``experiment.published``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .summary import Spread, Summary
from .table import EMPTY, Cell, Table

HEADER = [
    "Model", "", "runs", "Batch Size", "Gamma", "Dropout", "Optimizer",
    "Train Loss", "Train Acc", "Test Loss", "Test Acc", "s / epoch", "trainable",
]  # fmt: skip


def classification_tables(summaries: Sequence[Summary]) -> list[Table]:
    """Make a table for each figure with one of the experiments, two lines per model."""
    by_number: dict[int, list[Summary]] = {}
    for summary in summaries:
        if number := _figure(summary).get("number"):
            by_number.setdefault(number, []).append(summary)
    return [_table(number, by_number[number]) for number in sorted(by_number)]


def _figure(summary: Summary) -> dict[str, Any]:
    return dict(summary.experiment.get("figure") or {})


def _table(number: int, summaries: Sequence[Summary]) -> Table:
    rows = []
    for summary in summaries:
        rows.append(_ours(summary))
        if summary.published:
            rows.append(_study(summary))
    tasks = list(dict.fromkeys(task for summary in summaries for task in summary.tasks))
    caption = (
        f"Tasks: {', '.join(tasks)}, in this order where a cell holds two numbers. Test losses and "
        "accuracies are of the test data (tools/test.py); marked * of the last validation where a "
        "run was not tested. Losses are cross-entropies without task weights, in training of "
        "softened labels where a recipe softens them; accuracies in percent. Means of the complete "
        "runs ± sample standard deviation."
    )
    return Table(f"Figure {number}", caption, HEADER, rows)


def _ours(summary: Summary) -> list[Cell]:
    config, tasks = summary.config, summary.tasks
    weights = config.model.get("task_weights") or {}
    heads = [config.model.heads[task] for task in tasks]
    gamma = f"{weights.get(tasks[0], 1):g}" if len(tasks) > 1 else EMPTY
    dropout = ", ".join(dict.fromkeys(f"{head.get('dropout', 0):g}" for head in heads))
    optimizer = config.optim_wrapper.optimizer
    test, mark = (summary.tested, "") if summary.tested else (summary.scores, "*")
    texts = [
        str(_figure(summary).get("model", 1)),
        "ours",
        "incomplete" if summary.incomplete else f"{summary.complete}",
        str(config.train_dataloader.batch_size),
        gamma,
        dropout,
        f"{optimizer.type} {optimizer.lr:g}",
        _joined([summary.training.get(f"{task}_loss") for task in tasks], 3),
        _joined([summary.training.get(f"{task}_acc") for task in tasks], 2),
        _joined([test.get(f"{task}/cross_entropy") for task in tasks], 3, mark),
        _joined([test.get(f"{task}/top1") for task in tasks], 2, mark),
        _joined([summary.seconds.get("epoch")], 1),
        f"{summary.parameters['trainable']:,}" if summary.parameters else EMPTY,
    ]
    return [Cell(text) for text in texts]


def _study(summary: Summary) -> list[Cell]:
    figure = _figure(summary)
    train, test = figure.get("train") or {}, summary.published
    seconds = figure.get("seconds_per_epoch")

    def joined(values: Mapping[str, float], name: str, decimals: int) -> str:
        found = [values.get(f"{task}/{name}") for task in summary.tasks]
        return _joined([Spread.of([value]) for value in found], decimals)

    texts = [
        str(figure.get("model", 1)),
        "study",
        *[""] * 5,
        joined(train, "loss", 3),
        joined(train, "acc", 1),
        joined(test, "cross_entropy", 3),
        joined(test, "top1", 1),
        EMPTY if seconds is None else f"~{seconds:g}",
        "",
    ]
    return [Cell(text) for text in texts]


def _joined(spreads: Sequence[Spread | None], decimals: int, mark: str = "") -> str:
    texts = []
    for spread in spreads:
        if spread is None:
            texts.append(EMPTY)
            continue
        std = "" if spread.std is None else f" ± {spread.std:.{decimals}f}"
        texts.append(f"{spread.mean:.{decimals}f}{std}{mark}")
    return ", ".join(texts)
