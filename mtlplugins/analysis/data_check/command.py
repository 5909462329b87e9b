"""Check every file of a config's data before training.

    mtlplugins check-data configs/swin_cond_nyuv2.py --out data_check

Reads all splits as training does, and reports unreadable files, targets that do not fit their
image or task, empty targets, images that leak from training into validation or test, and the
distribution of classes and depths. Writes report.txt, report.json and panels of the worst images;
the exit status is 1 if there are errors.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.config import load_config

from . import as_json, as_text, check_config, write_worst_images


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config file")
    add_cfg_options(parser)
    parser.add_argument("--out", default="data_check", help="folder to write to")
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count(),
        help="number of worker processes, all cores if not given; 0 for this process alone",
    )
    args = parser.parse_args()
    if args.workers < 0:
        parser.error(f"--workers {args.workers}: give 0 or more")
    return args


def main() -> None:
    """Check the data, and write and print the report."""
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)  # now, because the check may take an hour
    if not os.access(out, os.W_OK):
        raise PermissionError(f"--out {out}: nothing may be written there, choose another folder")
    check = check_config(cfg, workers=args.workers)
    text = as_text(check)
    (out / "report.txt").write_text(text, encoding="utf-8")
    report = json.dumps(as_json(check), indent=1, ensure_ascii=False)
    (out / "report.json").write_text(report, encoding="utf-8")
    write_worst_images(check, out / "images")
    print(text, end="")
    print(f"written to {out}: report.txt, report.json, images/")
    if check.errors:
        sys.exit(1)
