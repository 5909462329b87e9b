"""The search for the checkpoint that a stopped run goes on from."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader

from mtlplugins.io.integrity import DamagedCheckpoint

from .work_dir import PLAIN, list_checkpoints


class FoundCheckpoint(NamedTuple):
    """A checkpoint that was found, and what it holds."""

    path: Path | str
    content: Any


def find_checkpoint(work_dir: Path, saving: Mapping[str, Any] = PLAIN) -> FoundCheckpoint | None:
    """Find and read the newest whole checkpoint of a run.

    That is the one which ``last_checkpoint`` names. Where it is damaged or gone, which is logged,
    it is the youngest other file that a run can go on from; those that hold the best weights alone
    are none. A file is read once for its checksums and unpickled once, on the CPU.

    Args:
        work_dir: The run's folder.
        saving: As for :func:`checkpoint_folder`.

    Returns:
        The checkpoint; None where there is none at all.

    Raises:
        ValueError: There are checkpoints, and all are damaged.
        UnpicklingError: The newest whole one holds more than a training saves.
    """
    candidates = list_checkpoints(work_dir, saving)
    damages = []
    for path in candidates:
        try:
            content = _read(path)
        except _UnusableError as error:
            damages.append(f"{_readable(path)} cannot be resumed from: {error}")
            continue
        for damage in damages:
            _warn(f"{damage}; going on from {path}")
        return FoundCheckpoint(path, content)
    if any(os.path.isfile(path) for path in candidates):
        raise ValueError(
            f"no checkpoint in {work_dir} is whole: {'; '.join(damages)}. Remove them to start anew"
        )
    return None


class _UnusableError(Exception):
    """Why a file is not gone on from."""


def _read(path: Path) -> Any:
    if not os.path.lexists(path):
        raise _UnusableError("there is no such file")
    if not os.path.isfile(path):  # a folder, a pipe, or a link that leads nowhere or to itself
        raise _UnusableError("it is no file")
    try:
        return CheckpointLoader.load_checkpoint(str(path), map_location="cpu", logger=None)
    except DamagedCheckpoint as error:
        raise _UnusableError(error.damage) from error
    except OSError as error:
        raise _UnusableError(f"it cannot be read ({error.strerror})") from error


def _readable(path: Path) -> str:
    text = str(path)
    return text if text.isprintable() and len(text) < 300 else f"{text[:50]!a}…"


def _warn(message: str) -> None:
    print_log(message, logger="current", level=logging.WARNING)
