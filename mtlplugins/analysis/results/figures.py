"""Tables in the shape of the image-classification study's figures.

A config's ``experiment.figure`` says where its run stands: ``number`` of the figure, ``model`` in
it, and of what the study reports ``train`` (``<task>/loss``, ``<task>/acc`` in percent) and
``seconds_per_epoch``. The study's figures on the test data are ``experiment.published``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .cards import learned_tasks
from .cells import EMPTY, Cell, Table
from .groups import Group, Spread

HEADER = [
    "Model", "", "runs", "Batch Size", "Gamma", "Dropout", "Optimizer",
    "Train Loss", "Train Acc", "Test Loss", "Test Acc", "s / epoch", "trainable",
]  # fmt: skip


def figure_tables(groups: Sequence[Group]) -> list[Table]:
    """Make a table of each figure that the groups have a model of, two lines per model."""
    figures: dict[int, list[Group]] = {}
    for group in groups:
        if number := _figure(group).get("number"):
            figures.setdefault(number, []).append(group)
    return [_table(number, figures[number]) for number in sorted(figures)]


def _figure(group: Group) -> dict[str, Any]:
    return dict(group.runs[0].experiment.get("figure") or {})


def _table(number: int, groups: Sequence[Group]) -> Table:
    rows = []
    for group in groups:
        rows.append(_ours(group))
        if group.published:
            rows.append(_study(group))
    tasks = list(dict.fromkeys(task for group in groups for task in learned_tasks(group.config)))
    caption = (
        f"Tasks: {', '.join(tasks)}, in this order where a cell holds two figures. Test figures "
        "are of the test data (tools/test.py); marked * of the last validation where a run was not "
        "tested. Losses are cross-entropies without task weights, in training of softened labels "
        "where a recipe softens them; accuracies in percent. Means of the complete runs ± sample "
        "standard deviation."
    )
    return Table(f"Figure {number}", caption, HEADER, rows)


def _ours(group: Group) -> list[Cell]:
    config = group.config
    tasks = learned_tasks(config)
    weights = config.model.get("task_weights") or {}
    heads = [config.model.heads[task] for task in tasks]
    gamma = f"{weights.get(tasks[0], 1):g}" if len(tasks) > 1 else "–"
    dropout = ", ".join(dict.fromkeys(f"{head.get('dropout', 0):g}" for head in heads))
    optimizer = config.optim_wrapper.optimizer
    tested = all(run.tested for run in group.complete)
    mark = "" if tested else "*"

    def train(name: str, task: str) -> Spread | None:
        return group.spread(lambda run: run.final_training.get(f"{task}_{name}"))

    def test(name: str, task: str) -> Spread | None:
        return group.spread(lambda run: (run.tested if tested else run.final).get(f"{task}/{name}"))

    texts = [
        str(_figure(group).get("model", 1)),
        "ours",
        f"{len(group.complete)}" if len(group.complete) == len(group.runs) else "incomplete",
        str(config.train_dataloader.batch_size),
        gamma,
        dropout,
        f"{optimizer.type} {optimizer.lr:g}",
        _joined([train("loss", task) for task in tasks], 3),
        _joined([train("acc", task) for task in tasks], 2),
        _joined([test("cross_entropy", task) for task in tasks], 3, mark),
        _joined([test("top1", task) for task in tasks], 2, mark),
        _joined([group.spread(lambda run: run.time_per_epoch)], 1),
        f"{group.parameters['trainable']:,}" if group.parameters else EMPTY,
    ]
    return [Cell(text) for text in texts]


def _study(group: Group) -> list[Cell]:
    tasks, figure = learned_tasks(group.config), _figure(group)
    train, test = figure.get("train") or {}, group.published
    seconds = figure.get("seconds_per_epoch")

    def joined(values: dict[str, float], name: str, decimals: int) -> str:
        found = [values.get(f"{task}/{name}") for task in tasks]
        return _joined([None if v is None else Spread(v, None, 1) for v in found], decimals)

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
