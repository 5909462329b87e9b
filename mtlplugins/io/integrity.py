"""Integrity of checkpoint files: damage is found before PyTorch reads them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from mtlplugins.common.private import read_archive_directory

#: Of a ZIP entry: UTF-8 in its name, and sizes after its data, which PyTorch's writer sets.
_FLAGS = 0x0800 | 0x0008


def find_damage(path: Path) -> str | None:
    """Compare the bytes of a checkpoint with the checksums in it.

    PyTorch's ZIP format carries checksums; of a file in another format only emptiness is noticed.

    Returns:
        What is wrong, to follow "the file is damaged:"; None where nothing is.

    Raises:
        OSError: The file cannot be read.
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
                if entry.filename in names or not _is_as_written(entry):
                    return f"the entry of {entry.filename} is overwritten"
                names.add(entry.filename)
            broken = archive.testzip()
        read_archive_directory(path)
    except Exception as error:  # each damage raises something else, zlib.error for example
        said = str(error).splitlines() or [type(error).__name__]
        return f"it is cut short or overwritten ({said[0]})"
    return f"the checksum of {broken} does not fit" if broken else None


def _is_as_written(entry: zipfile.ZipInfo) -> bool:
    """Tell whether a ZIP entry has the attributes of those that PyTorch writes.

    No checksum covers the archive's directory, and after a flipped bit there PyTorch takes a tensor
    for a folder, which has no bytes, or stored bytes for compressed ones.
    """
    return (
        entry.compress_type == zipfile.ZIP_STORED
        and entry.compress_size == entry.file_size
        and not entry.flag_bits & ~_FLAGS
        and entry.external_attr == 0
    )


class DamagedCheckpoint(ValueError):
    """A checkpoint's bytes are not those that were written.

    Args:
        path: The file.
        damage: What :func:`find_damage` says.
    """

    def __init__(self, path: Path, damage: str) -> None:
        super().__init__(
            f"{path} is a damaged checkpoint: {damage}. Give an earlier one or copy it anew"
        )
        self.damage = damage
