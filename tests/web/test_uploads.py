"""Images from strangers: what is refused, and what a large one becomes."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtlplugins.web.serve import uploads
from mtlplugins.web.serve.uploads import RefusedUpload, read_upload


def png_that_says(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with a few bytes of pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0" * 9))


def test_a_small_image_stays_as_it_is(photo: Path, pixels: np.ndarray) -> None:
    assert (np.asarray(read_upload(photo)) == pixels).all()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp"])
def test_a_large_image_is_shrunk(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (1500, 600), (200, 30, 30)).save(path)
    read = read_upload(path)
    assert (read.mode, read.size) == ("RGB", (1024, 410))
    assert np.abs(np.asarray(read, int) - (200, 30, 30)).max() < 8


def test_an_image_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored a quarter turn to the left
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    assert read_upload(tmp_path / "a.jpg").size == (20, 40)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read as an image: send one in BMP, JPEG, PNG, WEBP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read as an image"),
        (b"GIF89a" + bytes(99), "cannot be read as an image"),
        (png_that_says(64, 64), "cannot be read as an image"),  # cut off
        (png_that_says(9_000, 9_000), "more than 50 million pixels"),
        (png_that_says(60_000, 60_000), "more than 50 million pixels"),  # Pillow refuses it itself
        (b"\x89PNG\r\n\x1a\n" + bytes(21 * 2**20), "larger than 20 MiB"),
    ],
    ids=["empty", "svg", "gif", "cut", "large", "bomb", "bytes"],
)
def test_what_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(RefusedUpload, match=words):
        read_upload(tmp_path / "a.png")


def test_a_removed_image_is_said(tmp_path: Path) -> None:
    with pytest.raises(RefusedUpload, match="the image was removed since: upload it again"):
        read_upload(tmp_path / "a.png")


def test_the_header_is_enough_to_refuse(tmp_path: Path, monkeypatch) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    (tmp_path / "a.png").write_bytes(png_that_says(9_000, 9_000))
    with pytest.raises(RefusedUpload, match="million pixels"):
        read_upload(tmp_path / "a.png")
    assert uploads.MOST_PIXELS == 50_000_000
