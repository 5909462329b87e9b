"""Integrity check of checkpoint files, by the checksums in them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from mtlplugins.common.private import read_archive_directory

#: ZIP flags that PyTorch's writer sets: UTF-8 name, trailing data descriptor.
_FLAGS = 0x0800 | 0x0008


def find_damage(path: Path) -> str | None:
    """Verify the checksums of a checkpoint file.

    Only PyTorch's ZIP format has checksums; a file in another format is reported only if empty.

    Returns:
        A description of the damage that completes "the file is damaged: …"; None if there is none.

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
                if entry.filename in names or not _has_pytorch_attributes(entry):
                    return f"the entry of {entry.filename} is overwritten"
                names.add(entry.filename)
            broken = archive.testzip()
        read_archive_directory(path)
    except Exception as error:  # the type depends on the damage: zlib.error, for example
        said = str(error).splitlines() or [type(error).__name__]
        return f"it is cut short or overwritten ({said[0]})"
    return f"the checksum of {broken} does not fit" if broken else None


def _has_pytorch_attributes(entry: zipfile.ZipInfo) -> bool:
    """Return whether a ZIP entry has the attributes that PyTorch's writer sets.

    No checksum covers the directory of the archive. After a flipped bit there, PyTorch takes a
    tensor for a folder (no bytes) or stored bytes for compressed ones.
    """
    return (
        entry.compress_type == zipfile.ZIP_STORED
        and entry.compress_size == entry.file_size
        and not entry.flag_bits & ~_FLAGS
        and entry.external_attr == 0
    )


class DamagedCheckpoint(ValueError):
    """Error: a checkpoint file is damaged.

    Args:
        path: The file.
        damage: The result of :func:`find_damage`.
    """

    def __init__(self, path: Path, damage: str) -> None:
        super().__init__(
            f"{path} is a damaged checkpoint: {damage}. Give an earlier one or copy it anew"
        )
        self.damage = damage
