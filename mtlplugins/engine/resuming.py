"""Which checkpoint a stopped run goes on from."""

from __future__ import annotations

import fcntl
import logging
from pathlib import Path
from typing import TextIO

from mmengine.logging import print_log

from mtlplugins.checkpoint import few
from mtlplugins.whole_file import what_is_damaged, write_in_one_piece

#: What a run that was told to stop saves its state as.
INTERRUPTED = "interrupted.pth"
_LAST = "last_checkpoint"


def name_as_last(work_dir: Path, checkpoint: str) -> None:
    """Make ``checkpoint`` the one that a run in ``work_dir`` goes on from."""
    write_in_one_piece(work_dir / _LAST, lambda path: path.write_text(checkpoint))


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


def refuse_to_overwrite(work_dir: Path) -> None:
    """Make sure that a run that starts anew in a work dir writes over no other's checkpoints.

    Raises:
        FileExistsError: There are checkpoints.
    """
    kept = [path.name for path in (*_candidates(work_dir), *work_dir.glob("best_*.pth"))]
    kept = [name for name in kept if (work_dir / name).is_file()]
    if kept:
        raise FileExistsError(
            f"{work_dir} holds checkpoints of a run ({few(kept)}), which a new one would write "
            "over: --resume goes on with it; to start anew, remove them or give another --work-dir"
        )


def find_checkpoint(work_dir: Path) -> Path | None:
    """Find the newest whole checkpoint of a work dir.

    That is the one which ``last_checkpoint`` names. Where it is damaged or gone, which is logged,
    it is the youngest other file that a run can go on from; those that hold the best weights alone
    are none.

    Returns:
        The checkpoint; None where there is none at all.

    Raises:
        ValueError: There are checkpoints, and all are damaged.
    """
    candidates = _candidates(work_dir)
    damages = []
    for path in candidates:
        damage = what_is_damaged(path) if path.is_file() else "there is no such file"
        if not damage:
            for found in damages:
                _warn(f"{found}; going on from {path}")
            return path
        damages.append(f"{path} cannot be resumed from: {damage}")
    if any(path.is_file() for path in candidates):
        raise ValueError(
            f"no checkpoint in {work_dir} is whole: {'; '.join(damages)}. Remove them to start anew"
        )
    return None


def _candidates(work_dir: Path) -> list[Path]:
    """List what may be resumed from, the best first."""
    found = [*work_dir.glob("epoch_*.pth"), *work_dir.glob("iter_*.pth")]
    found += work_dir.glob(INTERRUPTED)
    found.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    last = work_dir / _LAST
    if not last.is_file():
        return found
    named = last.read_text(errors="replace").strip()
    # a folder that was moved still names where it was
    beside = work_dir / Path(named).name
    newest = beside if beside.is_file() or not named else Path(named)
    return [newest, *(path for path in found if path != newest)] if named else found


def _warn(message: str) -> None:
    print_log(message, logger="current", level=logging.WARNING)
