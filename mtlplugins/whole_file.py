"""Files that are whole: written in full or not at all, and seen when they are damaged."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path


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
    except OSError as error:
        raise OSError(error.errno, f"{path} was not written: {error.strerror}") from error
    finally:
        aside.unlink(missing_ok=True)
    _to_disk(path.parent)


def what_is_damaged(path: Path) -> str | None:
    """Say what is wrong with a checkpoint's bytes; None where nothing is.

    Files in PyTorch's format of today carry checksums. Of others only emptiness is seen.
    """
    if path.stat().st_size == 0:
        return "it is empty"
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return None
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, EOFError) as error:
        return f"it is cut short or overwritten ({error})"
    return f"the checksum of {broken} does not fit" if broken else None


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
