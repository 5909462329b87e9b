"""Compare training runs: experiment cards, tables, curves and predictions.

    mtlplugins results work_dirs/*/seed_* --out results

Writes results.md, results.csv (a line per experiment), runs.csv (a line per run) and results.html,
a page that needs no other file. Runs whose configs differ only in the seed are averaged; incomplete
runs are listed, but not averaged.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mtlplugins.common.markdown import markdown_text

from . import (
    draw_panels,
    group_runs,
    read_run,
    result_tables,
    summarise,
    write_experiments,
    write_page,
    write_runs,
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work_dirs", nargs="+", metavar="WORK_DIR", help="folder of a run")
    parser.add_argument("--out", default="results", help="folder to write to")
    parser.add_argument("--table", help="name the runs as in this table of the paper, e.g. 4.10")
    parser.add_argument(
        "--no-panels", action="store_true", help="no panels of predictions, which need the models"
    )
    return parser.parse_args()


def main() -> None:
    """Read the runs, and write tables, CSV files and the page."""
    args = parse_args()
    runs, left_out = [], {}
    for work_dir in args.work_dirs:
        try:
            runs.append(read_run(work_dir))
        except Exception as error:  # a config is code and may raise anything
            left_out[work_dir] = f"{type(error).__name__}: {error}"
            print(f"left out {work_dir}: {left_out[work_dir]}", file=sys.stderr)
    if not runs:
        sys.exit("none of the work dirs could be read")
    known = sorted({table for run in runs for table in run.experiment.get("rows") or {}})
    if args.table and args.table not in known:
        sys.exit(
            f"--table {args.table}: no run is in it; their configs (experiment.rows) name "
            f"{', '.join(known) or 'no table'}"
        )
    summaries = [summarise(group) for group in group_runs(runs, table=args.table)]
    tables = result_tables(summaries)
    panels = None
    if not args.no_panels:
        panels = {run.work_dir: draw_panels(run) for summary in summaries for run in summary.runs}
    title = f"Results of table {args.table}" if args.table else "Results"
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    lines = [markdown_text(f"Left out {folder}: {why}") + "\n" for folder, why in left_out.items()]
    text = "\n".join([f"# {title}\n", *lines, *(table.markdown() for table in tables)])
    (out / "results.md").write_text(text, encoding="utf-8")
    write_experiments(summaries, out / "results.csv")
    write_runs(summaries, out / "runs.csv")
    write_page(out / "results.html", title, summaries, tables, panels=panels, left_out=left_out)
    print(text)
    print(f"written to {out}: results.html, results.md, results.csv, runs.csv")
