"""Atomic writes: a file is replaced as a whole, or stays as it was."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = os.strerror(errno.ENOSPC)


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside ``path``, bring it to the disk and move it to ``path``.

    A kill, a full disk or a power cut at any moment leaves the old file or the new one.

    Args:
        path: The file to replace or create, in a folder that exists.
        write: Writes the file that it is given.

    Raises:
        OSError: There is no room left, for example; names ``path``.
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
    """Write ``content`` as :func:`write_atomically` does."""
    write_atomically(path, lambda part: part.write_bytes(content))


@contextmanager
def name_full_disk(folder: Path) -> Iterator[None]:
    """Name the full disk in errors of files that are open already, where the system names none.

    Raises:
        OSError: There is no room left; names ``folder``.
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
    """Find the operating system's error that another, such as PyTorch's writer's, replaced."""
    while error is not None and not (isinstance(error, OSError) and error.errno):
        error = error.__cause__ or error.__context__
    return error


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
