"""Files that are whole: written in full or not at all, and seen when they are damaged."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torch._C import PyTorchFileReader

#: Of an entry: UTF-8 in its name, and sizes behind its data, which PyTorch's writer sets.
_FLAGS = 0x0800 | 0x0008
_FULL = os.strerror(errno.ENOSPC)


def write_in_one_piece(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside ``path``, bring it to the disk and move it to ``path``.

    Args:
        path: Where the file will be, with all it holds, or stay as it was.
        write: Writes the file that it is given.

    Raises:
        OSError: There is no room left, for example; names ``path``.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(aside)
        _to_disk(aside)
        os.replace(aside, path)
    except Exception as error:
        reason = _of_the_system(error)
        if reason is None:
            raise
        raise OSError(reason.errno, f"{path} was not written: {reason.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)
    _to_disk(path.parent)


@contextmanager
def named_when_full(folder: Path) -> Iterator[None]:
    """Say which disk is full: where a file is open already, the system names none.

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


def what_is_damaged(path: Path) -> str | None:
    """Say what is wrong with a checkpoint's bytes; None where nothing is.

    Files in PyTorch's format of today carry checksums. Of others only emptiness is seen.
    """
    if path.stat().st_size == 0:
        return "it is empty"
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04" and not zipfile.is_zipfile(path):
            return None
    try:
        with zipfile.ZipFile(path) as archive:
            names = set()
            for entry in archive.infolist():
                if entry.filename in names or not _as_written(entry):
                    return f"the entry of {entry.filename} is overwritten"
                names.add(entry.filename)
            broken = archive.testzip()
        PyTorchFileReader(str(path))
    except Exception as error:  # each damage raises something else, zlib.error for example
        said = str(error).splitlines() or [type(error).__name__]
        return f"it is cut short or overwritten ({said[0]})"
    return f"the checksum of {broken} does not fit" if broken else None


def _as_written(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry looks like those that PyTorch writes.

    No checksum covers what the directory says of it, and by a flipped bit there PyTorch takes a
    tensor for a folder, which has no bytes, or bytes for compressed ones.
    """
    return (
        entry.compress_type == zipfile.ZIP_STORED
        and entry.compress_size == entry.file_size
        and not entry.flag_bits & ~_FLAGS
        and entry.external_attr == 0
    )


def _of_the_system(error: BaseException | None) -> OSError | None:
    """The error of the system behind another, which PyTorch's writer raises in its place."""
    while error is not None and not (isinstance(error, OSError) and error.errno):
        error = error.__cause__ or error.__context__
    return error


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
