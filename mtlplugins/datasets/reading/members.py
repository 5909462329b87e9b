"""Members of tar files, read in place: a member is a range of bytes.

A member is written ``shard.tar@OFFSET+SIZE/NAME``: the range of its content and its name, which
stands last, so that its suffix is that of the whole. What reads files by their path reads members
alike; nothing is unpacked. The tar file may be local or a URL that fsspec opens
(``https://…``, ``s3://…``).
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Any

#: Length of a tar header, and where in it stand the size, the type and the format's name.
HEADER = 512
_SIZE, _TYPE, _MAGIC = slice(124, 136), slice(156, 157), slice(257, 262)
_FILES = (b"0", b"\0", b"7")
_MEMBER = re.compile(r"(?P<tar>.+\.tar)@(?P<offset>\d+)\+(?P<size>\d+)/(?P<name>.+)", re.DOTALL)
_OPEN_FILES = 64  # at once, in each process


def member_path(tar: str, offset: int, size: int, name: str) -> str:
    """Write a member as a path."""
    return f"{tar}@{offset}+{size}/{name}"


def member_size(path: str) -> int | None:
    """Return the bytes of a member, or None if a path is not one."""
    found = _MEMBER.fullmatch(path) if ".tar@" in path else None
    return int(found["size"]) if found else None


@lru_cache(maxsize=4)  # a header is looked at before the pixels
def read_member(path: str) -> bytes:
    """Read the content of a member.

    Raises:
        ValueError: The tar file has something else there, or ends before.
        OSError: It cannot be read.
        ModuleNotFoundError: It is a URL, and fsspec or what it needs for this is not installed.
    """
    found = _MEMBER.fullmatch(path)
    assert found is not None
    size = int(found["size"])
    start = int(found["offset"]) - HEADER
    content = _read(found["tar"], start, size + HEADER)
    if len(content) < size + HEADER:
        raise ValueError("its shard ends before: copy the shard again, it is truncated")
    header, content = content[:HEADER], content[HEADER:]
    digits = header[_SIZE].strip(b" \0")
    same = digits.isdigit() and int(digits, 8) == size and header[_TYPE] in _FILES
    if header[_MAGIC] != b"ustar" or not same:
        raise ValueError(
            "its shard has something else there, as it was changed after it was listed: remove "
            "index.npz beside it, which is then made anew"
        )
    return content


def _read(tar: str, start: int, size: int) -> bytes:
    if not is_url(tar):
        file = _open_file(tar, os.getpid())
        return os.pread(file.descriptor, size, start)
    system, place = file_system(tar)
    content = system.cat_file(place, start=start, end=start + size)
    if len(content) > size:
        raise ValueError(
            f"its server sent {len(content)} bytes of the shard when {size} were asked for: it "
            "ignores ranges; use one that knows them, such as nginx, or copy the shards to a disk"
        )
    return content


def is_url(path: str) -> bool:
    """Return whether a path is for fsspec."""
    return "://" in path


def file_system(url: str) -> tuple[Any, str]:
    """Return fsspec's file system of a URL, and the place in it.

    Raises:
        ModuleNotFoundError: fsspec, or what it needs for this kind of URL, is not installed.
    """
    try:
        import fsspec

        return fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{url}: reading it needs packages that are not installed ({error}): pip install "
            "'fsspec[http]' for https://, 'fsspec[s3]' for s3://",
            name="fsspec",
        ) from error


class _File:
    """Open file, closed when it leaves the cache."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


@lru_cache(maxsize=_OPEN_FILES)
def _open_file(path: str, process: int) -> _File:
    return _File(path)
