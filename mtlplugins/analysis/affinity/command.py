"""Report how the tasks of a trained model act on each other.

    mtlplugins affinity CONFIG work_dirs/mine/epoch_*.pth

For the checkpoints of a run, in the order of training: cosines of the tasks' gradients by stage and
block, each task's share of the summed norm, the rate of conflicts beside that of two halves of the
same task, the look-ahead of TAG, all of it again with one embedding for all tasks, and the
groupings of the tasks. Writes report.json, report.md and images; `mtlplugins results` shows
them if they are in the folder affinity/ of the run, which is the default.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mtlplugins.analysis.results.affinity_tables import REPORT, affinity_tables
from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.config import load_config

from .draw import draw
from .measured import measured_gains
from .report import measure


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config file")
    parser.add_argument(
        "checkpoints", nargs="+", metavar="CHECKPOINT", help="checkpoints, in order"
    )
    parser.add_argument("--out", help="folder to write to; affinity/ beside CHECKPOINT by default")
    parser.add_argument("--batches", type=int, default=8, help="batches of training data, 8")
    parser.add_argument(
        "--step",
        type=float,
        default=1e-4,
        help="length of a step of the look-ahead, as a part of the parameters' length, 0.0001",
    )
    parser.add_argument(
        "--runs",
        nargs="+",
        default=[],
        metavar="WORK_DIR",
        help="runs of single tasks and of groups, whose measured gains stand beside the groupings",
    )
    add_cfg_options(parser)
    args = parser.parse_args()
    if args.batches < 1:
        parser.error(f"--batches {args.batches}: give 1 or more")
    if not args.step > 0:
        parser.error(f"--step {args.step}: give a number above 0")
    return args


def main() -> None:
    """Measure, write and print the report."""
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    out = Path(args.out or Path(args.checkpoints[-1]).parent / REPORT.parent)
    out.mkdir(parents=True, exist_ok=True)
    measured = measured_gains(args.runs, cfg.model.heads) if args.runs else None
    report = measure(cfg, args.checkpoints, batches=args.batches, step=args.step, measured=measured)
    (out / REPORT.name).write_text(json.dumps(report, indent=1), encoding="utf-8")
    draw(report, out)
    stem = Path(cfg.filename or "model").stem
    text = "\n".join(table.markdown() for table in affinity_tables(report, stem))
    (out / "report.md").write_text(text, encoding="utf-8")
    print(text)
    print(f"written to {out}: report.json, report.md and images")
