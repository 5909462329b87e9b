"""Work dir of a run: its lock and its checkpoints."""

from __future__ import annotations

import fcntl
import glob
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mtlplugins.common.text import few
from mtlplugins.io.atomic_file import write_bytes_atomically

#: File name of the checkpoint that a run saves on a stop signal.
INTERRUPTED = "interrupted.pth"
#: Default settings of saving: MMEngine's file names, in the work dir.
PLAIN: Mapping[str, Any] = MappingProxyType({})
_LAST = "last_checkpoint"
_LONGEST_PATH = 4096  # bytes; anything longer in ``last_checkpoint`` is garbage
_locked: set[Path] = set()  # by this process


def name_as_last(work_dir: Path, checkpoint: str) -> None:
    """Make ``checkpoint`` the one that a resume in ``work_dir`` continues from."""
    write_bytes_atomically(work_dir / _LAST, os.fsencode(checkpoint))


@contextmanager
def locked(work_dir: Path) -> Iterator[None]:
    """Lock a work dir against runs of other processes; may be nested in one process.

    Raises:
        RuntimeError: Another process holds the lock.
    """
    folder = Path(os.path.realpath(work_dir))
    if folder in _locked:  # POSIX locks are per process: closing a second file frees the first
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        try:
            # fcntl's, as forked data workers do not inherit it
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise RuntimeError(
                f"another process is training in {work_dir}; end it, or give another --work-dir"
            ) from None
        except OSError:  # the file system has no locks
            pass
        _locked.add(folder)
        try:
            yield
        finally:
            _locked.discard(folder)


def checkpoint_folder(work_dir: Path, saving: Mapping[str, Any]) -> Path:
    """Return the folder of a run's checkpoints, except the one saved on a stop signal.

    Args:
        work_dir: The run's folder.
        saving: The config's ``default_hooks.checkpoint``.

    Returns:
        The work dir; or, if ``out_dir`` is set and on this machine, the folder of the same name in
        it, as MMEngine does it.
    """
    out_dir = saving.get("out_dir")
    if out_dir is None or "://" in str(out_dir) or str(out_dir) == os.path.abspath(work_dir):
        return work_dir
    return Path(out_dir) / Path(os.path.abspath(work_dir)).name


def refuse_to_overwrite(work_dir: Path, saving: Mapping[str, Any] = PLAIN) -> None:
    """Refuse to start a new run over the checkpoints of another.

    Args:
        work_dir: The run's folder.
        saving: As for :func:`checkpoint_folder`.

    Raises:
        FileExistsError: The folders hold checkpoints.
    """
    folders = _folders(work_dir, saving)
    kept = list_checkpoints(work_dir, saving)
    kept += [path for folder in folders for path in folder.glob("best_*.pth")]
    kept = [path for path in kept if path.parent in folders and os.path.isfile(path)]
    if kept:
        raise FileExistsError(
            f"{kept[0].parent} holds checkpoints of a run ({few(path.name for path in kept)}), "
            "which a new one would overwrite: --resume continues it; to start anew, remove "
            "them or give another --work-dir"
        )


def has_checkpoint(work_dir: Path, saving: Mapping[str, Any] = PLAIN) -> bool:
    """Return whether there is a checkpoint file, damaged or not, to resume from."""
    return any(os.path.isfile(path) for path in list_checkpoints(work_dir, saving))


def list_checkpoints(work_dir: Path, saving: Mapping[str, Any]) -> list[Path]:
    """List the checkpoints to resume from: ``last_checkpoint``'s, then the newest first.

    Args:
        work_dir: The run's folder.
        saving: As for :func:`checkpoint_folder`.
    """
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
    # a folder that was moved still records its old path
    beside = [path for folder in folders if os.path.isfile(path := folder / named.name)]
    newest = beside[0] if beside else named
    return [newest, *(path for path in found if path != newest)]


def _folders(work_dir: Path, saving: Mapping[str, Any]) -> list[Path]:
    return list(dict.fromkeys((work_dir, checkpoint_folder(work_dir, saving))))
