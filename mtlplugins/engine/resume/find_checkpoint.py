"""Which checkpoint a stopped run goes on from."""

from __future__ import annotations

import fcntl
import glob
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from mmengine.logging import print_log

from mtlplugins.common.text import few
from mtlplugins.io.atomic_file import write_bytes_atomically
from mtlplugins.io.integrity import find_damage

#: What a run that was told to stop saves its state as.
INTERRUPTED = "interrupted.pth"
_LAST = "last_checkpoint"
_LONGEST_PATH = 4096  # bytes; a note that is longer is garbage
_PLAIN: Mapping[str, Any] = MappingProxyType({})  # MMEngine's own names, in the work dir


def name_as_last(work_dir: Path, checkpoint: str) -> None:
    """Make ``checkpoint`` the one that a run in ``work_dir`` goes on from."""
    write_bytes_atomically(work_dir / _LAST, checkpoint.encode())


def claim(work_dir: Path) -> TextIO:
    """Keep other processes' runs out of a work dir.

    Returns:
        An open file; the work dir is free when it is closed, or this process ends.

    Raises:
        RuntimeError: Another process has it.
    """
    file = (work_dir / ".lock").open("a")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # one that forked data workers do not keep
    except (BlockingIOError, PermissionError):
        raise RuntimeError(
            f"another process trains in {work_dir}; end it, or give another --work-dir"
        ) from None
    except OSError:  # a file system without locks
        pass
    return file


def saved_in(work_dir: Path, saving: Mapping[str, Any]) -> Path:
    """Tell where a run's checkpoints are, but for the one of a run that was told to stop.

    Args:
        work_dir: The run's folder.
        saving: The config's ``default_hooks.checkpoint``.

    Returns:
        The work dir, or as MMEngine has it a folder of the same name in ``out_dir``, where that is
        set and on this machine.
    """
    out_dir = saving.get("out_dir")
    if out_dir is None or "://" in str(out_dir) or str(out_dir) == os.path.abspath(work_dir):
        return work_dir
    return Path(out_dir) / Path(os.path.abspath(work_dir)).name


def refuse_to_overwrite(work_dir: Path, saving: Mapping[str, Any] = _PLAIN) -> None:
    """Make sure that a run that starts anew writes over no other's checkpoints.

    Args:
        work_dir: The run's folder.
        saving: As for :func:`saved_in`.

    Raises:
        FileExistsError: There are checkpoints.
    """
    folders = _folders(work_dir, saving)
    kept = _candidates(work_dir, saving)
    kept += [path for folder in folders for path in folder.glob("best_*.pth")]
    kept = [path for path in kept if path.parent in folders and os.path.isfile(path)]
    if kept:
        raise FileExistsError(
            f"{kept[0].parent} holds checkpoints of a run ({few(path.name for path in kept)}), "
            "which a new one would write over: --resume goes on with it; to start anew, remove "
            "them or give another --work-dir"
        )


def find_checkpoint(work_dir: Path, saving: Mapping[str, Any] = _PLAIN) -> Path | None:
    """Find the newest whole checkpoint of a run.

    That is the one which ``last_checkpoint`` names. Where it is damaged or gone, which is logged,
    it is the youngest other file that a run can go on from; those that hold the best weights alone
    are none.

    Args:
        work_dir: The run's folder.
        saving: As for :func:`saved_in`.

    Returns:
        The checkpoint; None where there is none at all.

    Raises:
        ValueError: There are checkpoints, and all are damaged.
    """
    candidates = _candidates(work_dir, saving)
    damages = []
    for path in candidates:
        damage = _damage(path)
        if not damage:
            for found in damages:
                _warn(f"{found}; going on from {path}")
            return path
        damages.append(f"{_readable(path)} cannot be resumed from: {damage}")
    if any(os.path.isfile(path) for path in candidates):
        raise ValueError(
            f"no checkpoint in {work_dir} is whole: {'; '.join(damages)}. Remove them to start anew"
        )
    return None


def _damage(path: Path) -> str | None:
    if not os.path.lexists(path):
        return "there is no such file"
    if not os.path.isfile(path):  # a folder, a pipe, or a link that leads nowhere or to itself
        return "it is no file"
    try:
        return find_damage(path)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def _folders(work_dir: Path, saving: Mapping[str, Any]) -> list[Path]:
    return list(dict.fromkeys((work_dir, saved_in(work_dir, saving))))


def _candidates(work_dir: Path, saving: Mapping[str, Any]) -> list[Path]:
    """List what may be resumed from, the best first."""
    folders = _folders(work_dir, saving)
    patterns = ["epoch_*.pth", "iter_*.pth", INTERRUPTED]
    if template := saving.get("filename_tmpl"):
        patterns.append("*".join(glob.escape(part) for part in re.split(r"\{[^}]*\}", template)))
    found = {path for folder in folders for pattern in patterns for path in folder.glob(pattern)}
    # a link may lead nowhere
    found = sorted(found, key=lambda path: path.lstat().st_mtime_ns, reverse=True)
    last = work_dir / _LAST
    if not last.is_file():
        return found
    with last.open("rb") as file:
        named = Path(os.fsdecode(file.read(_LONGEST_PATH).strip()))
    if not named.name or b"\0" in os.fsencode(named):
        return found
    # a folder that was moved still names where it was
    beside = [path for folder in folders if os.path.isfile(path := folder / named.name)]
    newest = beside[0] if beside else named
    return [newest, *(path for path in found if path != newest)]


def _readable(path: Path) -> str:
    text = str(path)
    return text if text.isprintable() and len(text) < 300 else f"{text[:50]!a}…"


def _warn(message: str) -> None:
    print_log(message, logger="current", level=logging.WARNING)
