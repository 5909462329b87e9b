"""Tables of a report of `mtlplugins affinity`, for its folder and for the results page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from .runs import Run
from .summary import Summary
from .table import EMPTY, Cell, Table

#: File of the report, below a run's work dir.
REPORT = Path("affinity", "report.json")  # not affinity.json: a test leaves STAMP/STAMP.json
#: Number of groupings in the table.
_BEST = 10


def reports_of(summaries: Sequence[Summary]) -> list[tuple[str, Run, dict[str, Any]]]:
    """Read the reports of the runs that have one, with a title for each."""
    found = []
    for summary in summaries:
        for run in summary.runs:
            file = run.work_dir / REPORT
            if file.is_file():
                title = summary.label + ("" if run.seed is None else f", seed {run.seed}")
                found.append((title, run, json.loads(file.read_text(encoding="utf-8"))))
    return found


def affinity_tables(report: dict[str, Any], title: str) -> list[Table]:
    """Make the tables of one report: pairs, parts, look-ahead, norms, groupings."""
    tables = [_pairs(report), _parts(report), _ahead(report), _shares(report)]
    if report["groupings"]:
        tables.append(_groupings(report))
    for table in tables:
        table.title = f"Task affinity, {title}: {table.title}"
    return tables


def _pairs(report: dict[str, Any]) -> Table:
    tasks, own, folded = report["tasks"], report["own"], report["folded"]
    header = ["", "cosine", "of halves", "of halves, each task's own", "conflicts %"]
    header += ["conflicts %, each task's own"]
    if folded:
        header += ["cosine, one embedding", "conflicts %, one embedding"]
    rows = []
    for i, j in combinations(range(len(tasks)), 2):
        f = own["parts"]["all"]
        row = [Cell(f"{tasks[i]} – {tasks[j]}"), _spread(f["cosine"][i][j], f["deviation"][i][j])]
        for name, factor in (("halves", 1), ("conflicts", 100)):
            table = f[name]
            row.append(_number(table[i][j], factor))
            same = [_number(table[k][k], factor).text for k in (i, j)]
            row.append(Cell(", ".join(same)))
        if folded:
            f = folded["parts"]["all"]
            row.append(_spread(f["cosine"][i][j], f["deviation"][i][j]))
            row.append(_number(f["conflicts"][i][j], 100))
        rows.append(row)
    caption = (
        f"Gradients of all shared parameters, over {report['batches']} batches of "
        f"{report['images']} images and {len(report['checkpoints'])} checkpoints: mean ± sample "
        "standard deviation. Halves: one task's gradient on one half of a batch and the other's on "
        "the other half, beside a task's own two halves; a conflict is a negative cosine of these. "
        "A pair that conflicts no more often than a task with itself shows noise, not a conflict. "
        "One embedding: conditioning folded to the mean of the embeddings."
    )
    return Table("gradients", caption, header, rows)


def _parts(report: dict[str, Any]) -> Table:
    tasks, parts = report["tasks"], report["own"]["parts"]
    pairs = list(combinations(range(len(tasks)), 2))
    header = ["", *(f"{tasks[i]} – {tasks[j]}" for i, j in pairs)]
    rows = [
        [Cell(name), *(_spread(f["cosine"][i][j], f["deviation"][i][j]) for i, j in pairs)]
        for name, f in parts.items()
        if ", block " not in name
    ]
    caption = "Cosines by part of the network; those of each block are in the images."
    return Table("parts", caption, header, rows)


def _ahead(report: dict[str, Any]) -> Table:
    tasks = report["tasks"]
    rows = []
    for name, found in (("", report["own"]), (", one embedding", report["folded"])):
        for i, task in enumerate(tasks if found else ()):
            means, spreads = found["look_ahead"][i], found["look_ahead_deviation"][i]
            cells = [_spread(m, s, "{:+.3g}") for m, s in zip(means, spreads, strict=True)]
            rows.append([Cell(f"step for {task}{name}"), *cells])
    caption = (
        "By how much a step for one task lowers the loss of each task on the same batch, in "
        f"percent (TAG, arXiv:2109.04617), each step {report['step']:g} of the length of the "
        "shared parameters. Where a step does not help its own task, it is too long."
    )
    return Table("look-ahead", caption, ["", *(f"loss of {task}" for task in tasks)], rows)


def _shares(report: dict[str, Any]) -> Table:
    rows = [
        [Cell(Path(checkpoint).stem), *(_number(share, 100) for share in found["share"])]
        for checkpoint, found in zip(report["checkpoints"], report["own"]["history"], strict=True)
    ]
    caption = "Share of each task's gradient, times its weight, in the sum of the norms, percent."
    return Table("norms", caption, ["", *report["tasks"]], rows)


def _groupings(report: dict[str, Any]) -> Table:
    rows = [
        [
            Cell("; ".join(" + ".join(group) for group in found["groups"])),
            Cell(str(len(found["groups"]))),
            Cell(f"{found['score']:+.3g}"),
            Cell(EMPTY if found["measured"] is None else f"{found['measured']:+.2f}"),
        ]
        for found in report["groupings"][:_BEST]
    ]
    caption = (
        "Groupings of the tasks into networks by look-ahead: the mean over tasks of what the "
        "others in its network do for it, in percent. More networks cost more. Measured: Δm of "
        "trained runs against single-task ones (affinity --runs)."
    )
    if report["rank_correlation"] is not None:
        caption += f" Rank correlation of both: {report['rank_correlation']:.2f}."
    return Table("groupings", caption, ["", "networks", "look-ahead %", "measured Δm %"], rows)


def _number(value: float | None, factor: float = 1) -> Cell:
    return Cell(EMPTY if value is None else f"{value * factor:.3g}")


def _spread(mean: float | None, deviation: float | None, form: str = "{:.3f}") -> Cell:
    if mean is None:
        return Cell(EMPTY)
    spread = "" if deviation is None else f" ± {deviation:.2g}"
    return Cell(form.format(mean) + spread)
