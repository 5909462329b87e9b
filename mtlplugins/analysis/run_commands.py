"""Series of runs as subprocesses, one after the other; finished ones are skipped."""

from __future__ import annotations

import argparse
import shlex
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmengine.config import Config

from .results import config_difference, read_run


def is_finished(work_dir: Path, cfg: Config) -> bool:
    """Return whether ``work_dir`` holds a complete run of ``cfg``, with its last validation.

    Raises:
        ValueError: The folder holds a run of another length, or of a different config.
    """
    try:
        run = read_run(work_dir)
    except FileNotFoundError:  # not begun
        return False
    epochs = cfg.train_cfg.max_epochs
    advice = "give the --cfg-options of then, or another --work-dir"
    if run.length != epochs:
        raise ValueError(
            f"{work_dir} holds a run of {run.length} epochs, not of {epochs}: {advice}"
        )
    if changed := config_difference(cfg, run.config):
        raise ValueError(f"{work_dir} holds a run of another config, with {changed}: {advice}")
    return run.complete


def add_series_arguments(parser: argparse.ArgumentParser, *, work_dir: str) -> None:
    """Add the arguments of a series of runs: ``--seeds``, ``--work-dir``, ``--dry-run``, options.

    ``--cfg-options`` stay unparsed words, because they are passed on to the commands.

    Args:
        parser: The tool's parser.
        work_dir: Default folder of the runs.
    """
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    parser.add_argument("--work-dir", default=work_dir, help="folder of the runs")
    parser.add_argument(
        "--dry-run", action="store_true", help="print the commands without running them"
    )
    parser.add_argument("--cfg-options", nargs="+", default=[], metavar="KEY=VALUE")


def run_steps(steps: Iterable[Sequence[str]], *, dry_run: bool) -> None:
    """Print and run commands, one after the other.

    Args:
        steps: The commands, as lists of arguments.
        dry_run: Whether to print the commands without running them.

    Raises:
        SystemExit: A command failed; the ones after it were not run.
    """
    for step in steps:
        print(f"$ {shlex.join(step)}", flush=True)
        if dry_run:
            continue
        if code := subprocess.run(step, check=False).returncode:
            raise SystemExit(
                f"stopped: the command above ended with {code}; give this one again to continue"
            )
