"""Tables of runs, still apart from how they are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from .cards import ROWS, card, learned_tasks
from .cells import EMPTY, Cell, Table
from .escaping import markdown_text
from .figures import figure_tables
from .groups import Group, Spread
from .runs import Run

THESIS = "Balcioglu 2023, Conditionally Adaptive Multitask Learning"


def result_tables(groups: Sequence[Group]) -> list[Table]:
    """Make all tables: cards, figures, ours beside published, metrics by task, training, runs."""
    tables = [_cards(groups), *figure_tables(groups), _beside(groups)]
    tables += [*_tasks(groups), _best(groups)]
    tables += [_training(groups), _runs(groups)]
    return [table for table in tables if table is not None]


def markdown(table: Table) -> str:
    """Write a table as Markdown, the best of a column in bold."""
    lines = [[markdown_text(name) for name in table.header], ["---"] * len(table.header)]
    for row in table.rows:
        texts = [(markdown_text(cell.text), cell.best) for cell in row]
        lines.append([f"**{text}**" if best else text for text, best in texts])
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    title, caption = map(markdown_text, (table.title, table.caption))
    return f"## {title}\n\n" + "\n".join(rows) + f"\n\n{caption}\n"


def metric_names(groups: Sequence[Group]) -> list[str]:
    """All metrics of the last validations, each once, in order."""
    return _union(run.final for group in groups for run in group.runs)


def directions(groups: Sequence[Group]) -> dict[str, bool]:
    """Which way each metric is better, of those that say it."""
    return {name: up for group in groups for name, up in group.higher_is_better.items()}


def _cards(groups: Sequence[Group]) -> Table:
    cards = [card(group.config) for group in groups]
    several = [g for g, c in zip(groups, cards, strict=True) if c["Multitask"] == "True"]
    orders = {group.label: "-".join(learned_tasks(group.config)) for group in several}
    caption = ""
    if len(set(orders.values())) == 1:
        caption = f"Task weighting in the order {next(iter(orders.values()))}."
    elif orders:
        caption = "Task weighting in the order of each model's tasks: "
        caption += "; ".join(f"{label} {order}" for label, order in orders.items()) + "."
    header = ["Architectural Choice", *(group.label for group in groups)]
    rows = [[Cell(row), *(Cell(c[row]) for c in cards)] for row in ROWS]
    return Table("Experiment cards", caption, header, rows)


def _beside(groups: Sequence[Group]) -> Table | None:
    # a figure has the published scores beside those of the test, where they belong
    groups = [group for group in groups if not group.runs[0].experiment.get("figure")]
    names = _union(group.published for group in groups)
    if not names:
        return None
    up = directions(groups)
    columns, header = [], []
    for name in names:
        ours = [group.spread(_last(name)) for group in groups]
        papers = [group.published.get(name) for group in groups]
        papers = [None if value is None else Spread(value, None, 1) for value in papers]
        columns += [_column(ours, up.get(name)), _column(papers, up.get(name))]
        header += [f"{name}{_arrow(up.get(name))}, ours", "published"]
    sources = _union({g.runs[0].experiment.get("source") or THESIS: 0} for g in groups)
    caption = f"{_averages()} Published: {'; '.join(sources)}."
    return _with_counts("Ours beside the published figures", caption, groups, header, columns)


def _tasks(groups: Sequence[Group]) -> Iterable[Table]:
    up = directions(groups)
    names = metric_names(groups)
    for task in _union({_prefix(name): 0} for name in names):
        own = [name for name in names if _prefix(name) == task]
        scored = [g for g in groups if any(n in run.final for run in g.runs for n in own)]
        columns = [_column([g.spread(_last(n)) for g in scored], up.get(n)) for n in own]
        header = [name.rpartition("/")[2] + _arrow(up.get(name)) for name in own]
        title = f"Last validation: {task}" if task else "Last validation"
        yield _with_counts(title, _averages(), scored, header, columns)


def _best(groups: Sequence[Group]) -> Table | None:
    choosers = _union(run.best for group in groups for run in group.complete)
    if not choosers:
        return None
    up = directions(groups)
    names = _union(v.scores for g in groups for run in g.complete for v in run.best.values())
    header = ["chosen by", *(name + _arrow(up.get(name)) for name in names)]
    rows = []
    for chooser in choosers:
        having = [g for g in groups if any(chooser in run.best for run in g.complete)]
        columns = [
            _column([g.spread(_chosen(chooser, name)) for g in having], up.get(name))
            for name in names
        ]
        table = _with_counts("", "", having, [], columns)
        rows += [[*row[:2], Cell(chooser), *row[2:]] for row in table.rows]
    caption = (
        "The checkpoints that save_best kept. They were chosen by these same scores, so they "
        "flatter where the validation data are the test data; the other tables hold the last "
        "validation."
    )
    return Table("Best checkpoints", caption, ["", "runs", *header], rows)


def _training(groups: Sequence[Group]) -> Table:
    figures = _union(run.final_training for group in groups for run in group.complete)
    columns = [
        [Cell(g.runs[0].extent) for g in groups],
        [Cell(_millions(g.parameters.get("params"))) for g in groups],
        [Cell(_millions(g.parameters.get("trainable"))) for g in groups],
        _column([g.spread(lambda run: run.time_per_iteration) for g in groups], None),
        _column([g.spread(lambda run: run.time_per_epoch) for g in groups], None),
        *(_column([g.spread(_trained(name)) for g in groups], None) for name in figures),
    ]
    header = ["length", "parameters", "trainable", "s / iteration", "s / epoch", *figures]
    caption = (
        "Times are wall-clock means of the training iterations, loading included and validation "
        "left out; they compare only runs on the same idle machine. Losses and accuracies are "
        "those of the training data in the last epoch, the losses without their weights."
    )
    return _with_counts("Training", caption, groups, header, columns)


def _runs(groups: Sequence[Group]) -> Table:
    names = metric_names(groups)
    runs = [(group, run) for group in groups for run in group.runs]
    columns = [_column([_alone(run.final.get(name)) for _, run in runs], None) for name in names]
    rows = [
        [Cell(g.label), Cell(str(run.seed)), Cell(run.state), Cell(str(run.work_dir)), *cells]
        for (g, run), cells in zip(runs, _transposed(columns, len(runs)), strict=True)
    ]
    caption = "The last validation of each run so far; incomplete ones are averaged nowhere."
    notes = [f"{g.label}: {g.note}." for g in groups if g.note]
    return Table("Runs", " ".join([caption, *notes]), ["", "seed", "state", "folder", *names], rows)


def _with_counts(
    title: str,
    caption: str,
    groups: Sequence[Group],
    header: list[str],
    columns: Sequence[Sequence[Cell]],
) -> Table:
    """Put the groups and how many runs they average before the columns."""
    rows = []
    for group, cells in zip(groups, _transposed(columns, len(groups)), strict=True):
        left_out = len(group.runs) - len(group.complete)
        count = f"{len(group.complete)}" + (f" ({left_out} incomplete)" if left_out else "")
        rows.append([Cell(group.label), Cell(count), *cells])
    return Table(title, caption, ["", "runs", *header], rows)


def _column(spreads: Sequence[Spread | None], higher: bool | None) -> list[Cell]:
    """Write a column with as many decimals as its largest value allows, the best one marked."""
    means = [spread.mean for spread in spreads if spread and math.isfinite(spread.mean)]
    largest = max(map(abs, means), default=0)
    decimals = 2 if largest >= 10 else 3 if largest >= 2 else 4
    shown = [round(mean, decimals) for mean in means]
    # of a single value there is no best
    best = (max if higher else min)(shown) if higher is not None and len(shown) > 1 else None
    cells = []
    for spread in spreads:
        if spread is None:
            cells.append(Cell(EMPTY))
            continue
        text = f"{spread.mean:.{decimals}f}"
        if spread.std is not None:
            text += f" ± {spread.std:.{decimals}f}"
        cells.append(Cell(text, best is not None and round(spread.mean, decimals) == best))
    return cells


def _averages() -> str:
    return (
        "Scores of the last validation: the mean of the complete runs ± their sample standard "
        "deviation; bold is the best mean of a column."
    )


def _prefix(metric: str) -> str:
    return metric.rpartition("/")[0]


def _last(name: str) -> Callable[[Run], float | None]:
    return lambda run: run.final.get(name)


def _trained(name: str) -> Callable[[Run], float | None]:
    return lambda run: run.final_training.get(name)


def _chosen(chooser: str, name: str) -> Callable[[Run], float | None]:
    return lambda run: run.best[chooser].scores.get(name) if chooser in run.best else None


def _alone(value: float | None) -> Spread | None:
    return None if value is None else Spread(value, None, 1)


def _union(dictionaries: Iterable[dict[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for dictionary in dictionaries for name in dictionary))


def _transposed(columns: Sequence[Sequence[Cell]], length: int) -> list[list[Cell]]:
    return [[column[row] for column in columns] for row in range(length)]


def _arrow(higher: bool | None) -> str:
    return "" if higher is None else " ↑" if higher else " ↓"


def _millions(count: int | None) -> str:
    return EMPTY if count is None else f"{count / 1e6:.2f} M"
