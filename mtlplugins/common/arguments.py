"""Command-line arguments shared by several tools."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

from mmengine.config import DictAction


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options KEY=VALUE …``, parsed as ``cfg_options``: values by dotted key, or None.

    A word that is not KEY=VALUE ends the tool with an error that names it.
    """
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        metavar="KEY=VALUE",
        help="change values of the config",
    )


def parse_cfg_options(typed: Sequence[str]) -> dict[str, Any]:
    """Parse the words after ``--cfg-options``, for tools that also pass them on unparsed."""
    parser = argparse.ArgumentParser()
    add_cfg_options(parser)
    return parser.parse_args(["--cfg-options", *typed] if typed else []).cfg_options or {}


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of tools that run a ``MultiTaskRunner``: verbosity, config, launcher."""
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="print MMEngine's whole log, which the log file holds in any case",
    )
    add_cfg_options(parser)
    add_launcher(parser)


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Add ``--launcher``, and ``--local_rank``, which launchers pass and MMEngine needs."""
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument(
        "--local_rank",
        "--local-rank",
        type=_export_local_rank,
        default="0",  # a string: argparse applies `type` to it, so LOCAL_RANK is set in any case
        help="set by launchers",
    )


def _export_local_rank(rank: str) -> int:
    """Set the variable LOCAL_RANK, which MMEngine reads, unless the launcher has set it."""
    os.environ.setdefault("LOCAL_RANK", str(int(rank)))
    return int(rank)
