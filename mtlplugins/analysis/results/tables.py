"""Tables of results, made from the summaries of experiments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .affinity_tables import affinity_tables, reports_of
from .baselines import baseline_table
from .cards import ROWS
from .classification_tables import classification_tables
from .literature import literature_tables
from .summary import Spread, Summary, union
from .table import EMPTY, Cell, Table


def result_tables(summaries: Sequence[Summary]) -> list[Table]:
    """Make all tables: cards, ours and published scores, metrics by task, training, runs."""
    tables = [_cards(summaries), *classification_tables(summaries), _beside(summaries)]
    tables += [
        *literature_tables(summaries),
        baseline_table(summaries),
        *_tasks(summaries),
        _best(summaries),
    ]
    tables += [_training(summaries), _runs(summaries)]
    for title, _, report in reports_of(summaries):
        tables += affinity_tables(report, title)
    return [table for table in tables if table is not None]


def metric_names(summaries: Sequence[Summary]) -> list[str]:
    """List the metrics of the last validations, also of incomplete runs, each once and in order."""
    return union(run.final for summary in summaries for run in summary.runs)


def directions(summaries: Sequence[Summary]) -> dict[str, bool]:
    """Return by metric whether higher is better, for metrics that declare it."""
    return {name: up for summary in summaries for name, up in summary.higher_is_better.items()}


def arrow(higher: bool | None) -> str:
    """Format the direction of a metric as an arrow; empty if unknown."""
    return "" if higher is None else " ↑" if higher else " ↓"


def _cards(summaries: Sequence[Summary]) -> Table:
    several = [s for s in summaries if s.card["Multitask"] == "True"]
    orders = {s.label: "-".join(s.tasks) for s in several}
    caption = ""
    if len(set(orders.values())) == 1:
        caption = f"Task weighting in the order {next(iter(orders.values()))}."
    elif orders:
        caption = "Task weighting in the order of each model's tasks: "
        caption += "; ".join(f"{label} {order}" for label, order in orders.items()) + "."
    header = ["Architectural Choice", *(s.label for s in summaries)]
    rows = [[Cell(row), *(Cell(s.card[row]) for s in summaries)] for row in ROWS]
    return Table("Experiment cards", caption, header, rows)


def _beside(summaries: Sequence[Summary]) -> Table | None:
    # tables of figures have the published scores beside the test scores
    summaries = [s for s in summaries if not s.experiment.get("figure")]
    names = union(s.published for s in summaries)
    if not names:
        return None
    up = directions(summaries)
    columns, header = [], []
    for name in names:
        ours = [s.scores.get(name) for s in summaries]
        papers = [Spread.of([s.published.get(name)]) for s in summaries]
        columns += [_column(ours, up.get(name)), _column(papers, up.get(name))]
        header += [f"{name}{arrow(up.get(name))}, ours", "published"]
    sources = dict.fromkeys(s.experiment["source"] for s in summaries if s.experiment.get("source"))
    caption = f"{_averages()} Published: {'; '.join(sources) or 'of no source that is named'}."
    return _with_counts("Ours beside the published scores", caption, summaries, header, columns)


def _tasks(summaries: Sequence[Summary]) -> Iterable[Table]:
    up = directions(summaries)
    names = metric_names(summaries)
    for task in dict.fromkeys(map(_prefix, names)):
        own = [name for name in names if _prefix(name) == task]
        scored = [s for s in summaries if any(n in run.final for run in s.runs for n in own)]
        columns = [_column([s.scores.get(n) for s in scored], up.get(n)) for n in own]
        header = [name.rpartition("/")[2] + arrow(up.get(name)) for name in own]
        title = f"Last validation: {task}" if task else "Last validation"
        yield _with_counts(title, _averages(), scored, header, columns)


def _best(summaries: Sequence[Summary]) -> Table | None:
    choosers = union(s.best for s in summaries)
    if not choosers:
        return None
    up = directions(summaries)
    names = union(scores for s in summaries for scores in s.best.values())
    header = ["chosen by", *(name + arrow(up.get(name)) for name in names)]
    rows = []
    for chooser in choosers:
        having = [s for s in summaries if chooser in s.best]
        columns = [_column([s.best[chooser].get(n) for s in having], up.get(n)) for n in names]
        table = _with_counts("", "", having, [], columns)
        rows += [[*row[:2], Cell(chooser), *row[2:]] for row in table.rows]
    caption = (
        "The checkpoints that save_best kept. They were chosen by these same scores, so they "
        "flatter where the validation data are the test data; the other tables hold the last "
        "validation."
    )
    return Table("Best checkpoints", caption, ["", "runs", *header], rows)


def _training(summaries: Sequence[Summary]) -> Table:
    names = union(s.training for s in summaries)
    columns = [
        [Cell(s.runs[0].extent) for s in summaries],
        [Cell(_millions(s.parameters.get("params"))) for s in summaries],
        [Cell(_millions(s.parameters.get("trainable"))) for s in summaries],
        _column([s.seconds.get("iteration") for s in summaries], None),
        _column([s.seconds.get("epoch") for s in summaries], None),
        *(_column([s.training.get(name) for s in summaries], None) for name in names),
    ]
    header = ["length", "parameters", "trainable", "s / iteration", "s / epoch", *names]
    caption = (
        "Times are wall-clock means of the training iterations, loading included and validation "
        "left out; they compare only runs on the same idle machine. Losses and accuracies are "
        "those of the training data in the last epoch, the losses without their weights."
    )
    return _with_counts("Training", caption, summaries, header, columns)


def _runs(summaries: Sequence[Summary]) -> Table:
    names = metric_names(summaries)
    runs = [(s, run) for s in summaries for run in s.runs]
    columns = [_column([Spread.of([r.final.get(name)]) for _, r in runs], None) for name in names]
    rows = [
        [Cell(s.label), Cell(str(run.seed)), Cell(run.state), Cell(str(run.work_dir)), *cells]
        for (s, run), cells in zip(runs, _transposed(columns, len(runs)), strict=True)
    ]
    caption = "The last validation of each run so far; incomplete ones are averaged nowhere."
    notes = [f"{s.label}: {s.note}." for s in summaries if s.note]
    return Table("Runs", " ".join([caption, *notes]), ["", "seed", "state", "folder", *names], rows)


def _with_counts(
    title: str,
    caption: str,
    summaries: Sequence[Summary],
    header: list[str],
    columns: Sequence[Sequence[Cell]],
) -> Table:
    """Make a table with a row per experiment: label, number of averaged runs, then the columns."""
    rows = []
    for s, cells in zip(summaries, _transposed(columns, len(summaries)), strict=True):
        count = f"{s.complete}" + (f" ({s.incomplete} incomplete)" if s.incomplete else "")
        rows.append([Cell(s.label), Cell(count), *cells])
    return Table(title, caption, ["", "runs", *header], rows)


def _column(spreads: Sequence[Spread | None], higher: bool | None) -> list[Cell]:
    """Format a column, with decimals by its largest value and the best value marked."""
    means = [spread.mean for spread in spreads if spread and math.isfinite(spread.mean)]
    largest = max(map(abs, means), default=0)
    decimals = 2 if largest >= 10 else 3 if largest >= 2 else 4
    shown = [round(mean, decimals) for mean in means]
    # a single value is not marked as the best
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


def _transposed(columns: Sequence[Sequence[Cell]], length: int) -> list[list[Cell]]:
    return [[column[row] for column in columns] for row in range(length)]


def _millions(count: int | None) -> str:
    return EMPTY if count is None else f"{count / 1e6:.2f} M"
