"""Search for the checkpoint to resume from."""

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
    """Path and content of a checkpoint."""

    path: Path | str
    content: Any


def find_checkpoint(work_dir: Path, saving: Mapping[str, Any] = PLAIN) -> FoundCheckpoint | None:
    """Find and read the newest intact checkpoint of a run.

    ``last_checkpoint`` names it. If that file is damaged or gone, the newest other checkpoint with
    training state is taken and a warning is logged; files with the best weights only do not count.
    A file is read once for its checksums and unpickled once, on the CPU.

    Args:
        work_dir: The run's folder.
        saving: As for :func:`checkpoint_folder`.

    Returns:
        The checkpoint; None if there is none at all.

    Raises:
        ValueError: There are checkpoints, and all are damaged.
        UnpicklingError: The newest intact one holds objects that training does not save.
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
            _warn(f"{damage}; resuming from {path}")
        return FoundCheckpoint(path, content)
    if any(os.path.isfile(path) for path in candidates):
        raise ValueError(
            f"no checkpoint in {work_dir} is intact: {'; '.join(damages)}. "
            "Remove them to start anew"
        )
    return None


class _UnusableError(Exception):
    """Reason why a file cannot be resumed from."""


def _read(path: Path) -> Any:
    if not os.path.lexists(path):
        raise _UnusableError("there is no such file")
    if not os.path.isfile(path):  # a folder, a pipe, or a link that leads nowhere or to itself
        raise _UnusableError("it is not a file")
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
