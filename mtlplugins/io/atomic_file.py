"""Atomic writes: a file is replaced as a whole, or stays as it was."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = os.strerror(errno.ENOSPC)


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file atomically: to a temporary file beside ``path``, synced, then renamed.

    After a kill, a full disk or a power cut at any moment, ``path`` is the whole old file or the
    whole new one.

    Args:
        path: The file to replace or create, in a folder that exists.
        write: Called with the temporary file, which it writes.

    Raises:
        OSError: Writing failed, for example on a full disk; the message names ``path``.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(aside)
        _flush_to_disk(aside)
        os.replace(aside, path)
    except Exception as error:
        reason = _system_error(error)
        if reason is None:
            raise
        raise OSError(reason.errno, f"{path} was not written: {reason.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)
    _flush_to_disk(path.parent)


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write bytes atomically; see :func:`write_atomically`."""

    def write(part: Path) -> None:
        part.write_bytes(content)

    write_atomically(path, write)


@contextmanager
def name_full_disk(folder: Path) -> Iterator[None]:
    """Add the folder to "disk full" errors, which name no file when one that is open is written.

    Raises:
        OSError: The disk is full; the message names ``folder``.
    """
    try:
        yield
    except OSError as error:
        if error.strerror != _FULL or error.filename is not None:
            raise
        raise OSError(
            errno.ENOSPC,
            f"a file in {folder} was not written: {_FULL}; make room and go on with --resume",
        ) from error


def _system_error(error: BaseException | None) -> OSError | None:
    """Find the operating system's error below others that replaced it, as PyTorch's writer does."""
    while error is not None and not (isinstance(error, OSError) and error.errno):
        error = error.__cause__ or error.__context__
    return error


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
