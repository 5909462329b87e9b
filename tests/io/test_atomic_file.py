"""A file is replaced atomically, or the error says why not."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mtlplugins.io.atomic_file import name_full_disk, write_atomically, write_bytes_atomically


def test_a_full_disk_is_named_where_pytorch_forgets_it(tmp_path: Path) -> None:
    """Where the disk took a part, its writer raises an error of its own on the way out."""

    def write(path: Path) -> None:
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            raise RuntimeError("[enforce fail at inline_container.cc] unexpected pos 768 vs 662")

    with pytest.raises(OSError, match=r"epoch_1.pth was not written: No space left on device"):
        write_atomically(tmp_path / "epoch_1.pth", write)


def test_other_errors_of_a_writer_are_its_own(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        raise RuntimeError("not the disk's fault")

    with pytest.raises(RuntimeError, match="not the disk's fault"):
        write_atomically(tmp_path / "file", write)


def test_a_log_without_room_is_named() -> None:
    words = "a file in work was not written: No space left on device; make room and"
    with (
        pytest.raises(OSError, match=words),
        name_full_disk(Path("work")),
        open("/dev/full", "w") as log,
    ):
        log.write("a line")
    with pytest.raises(FileNotFoundError, match="nowhere"), name_full_disk(Path("work")):
        Path("nowhere").read_text()


def test_a_file_replaces_the_one_before(tmp_path: Path) -> None:
    for text in ("one", "two"):
        write_atomically(tmp_path / "file", lambda path, text=text: path.write_text(text))
        assert (tmp_path / "file").read_text() == text
    assert os.listdir(tmp_path) == ["file"]


def test_bytes_replace_those_before(tmp_path: Path) -> None:
    for content in (b"a long one", b"short", b""):
        write_bytes_atomically(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
    assert os.listdir(tmp_path) == ["file"]
