"""Command-line arguments that several tools share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

from mmengine.config import DictAction


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options KEY=VALUE …``, parsed as ``cfg_options``: values by dotted key, or None.

    Words that are not KEY=VALUE end the tool with a message that names them.
    """
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        metavar="KEY=VALUE",
        help="change values of the config",
    )


def parse_cfg_options(typed: Sequence[str]) -> dict[str, Any]:
    """Parse the words after ``--cfg-options``, for tools that also hand them on as they are."""
    parser = argparse.ArgumentParser()
    add_cfg_options(parser)
    return parser.parse_args(["--cfg-options", *typed] if typed else []).cfg_options or {}


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Add ``--launcher``, and ``--local_rank``, which launchers give and MMEngine asks for."""
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument(
        "--local_rank",
        "--local-rank",
        type=_export_local_rank,
        default="0",  # as text: argparse converts it too, where no launcher gives one
        help="set by launchers",
    )


def _export_local_rank(rank: str) -> int:
    """Set LOCAL_RANK, where MMEngine looks for it, unless the launcher has."""
    os.environ.setdefault("LOCAL_RANK", str(int(rank)))
    return int(rank)
