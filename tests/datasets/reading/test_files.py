"""Malicious files are refused."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtlplugins.datasets.reading.arrays import read_array
from mtlplugins.datasets.reading.files import BrokenFile, read_lines
from mtlplugins.datasets.targets import LabelMap
from mtlplugins.datasets.transforms import LoadMultiTaskImage, MultiTaskResize, OpenMultiTaskImage
from tests._data import write

pytestmark = [
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
]


def png(width: int, height: int) -> bytes:
    """A valid PNG header and next to no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)


def npy(header: str) -> bytes:
    """An array file with this header and no numbers."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header.encode() + b"\n"


def shape(*sides: int, kind: str = "<f4") -> bytes:
    return npy(str(dict(descr=kind, fortran_order=False, shape=sides)))


def load_image(path: str) -> np.ndarray:
    return LoadMultiTaskImage()({"img_path": path})["img"]


def load_late(path: str) -> np.ndarray:
    return MultiTaskResize(4)(OpenMultiTaskImage()({"img_path": path}))["img"]


LOADERS = {"image": load_image, "late image": load_late, "target": read_array}
BMP = b"BM" + struct.pack(
    "<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 40000, 40000, 1, 24, 0, 0, 0, 0, 0, 0
)
IMAGES = {
    "empty": (b"", "it is empty"),
    "PNG of 3.6 billion pixels": (png(60_000, 60_000), "3600000000 pixels"),
    "PNG past the limit": (png(10_000, 9_000), r"10000 x 9000 pixels, more than the limit"),
    "PNG of absurd sides": (png(2**31 - 1, 2**31 - 1), "pixels"),
    "BMP": (BMP, "1600000000 pixels"),
    "PPM": (b"P6 50000 50000 255\n", "2500000000 pixels"),
    "EPS, which is a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "identify"),
    "text": (b"<html>", "identify"),
}


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("content", IMAGES)
def test_images_are_refused_by_name(tmp_path: Path, loader: str, content: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(IMAGES[content][0])
    refused(LOADERS[loader], path, IMAGES[content][1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (shape(2**40, 2**40), "pixels, more than the limit|too big|overflow|length"),
        (shape(9_000, 9_000), "length is greater than file size"),
        (shape(3, 3), "length is greater than file size"),
        (shape(-1, 4), ".+"),
        (shape(2, 2, kind="|O"), "[oO]bject"),
        (npy("{'descr': '<f4', 'shape': (((("), ".+"),  # Python's tokenizer complains
        (npy("__import__('os').abort()"), ".+"),
        (b"PK\x03\x04", "magic string"),
        (b"\x80\x04cos\nabort\n(tR.", "magic string"),
    ],
)
def test_arrays_are_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    refused(read_array, path, message)


def refused(load: Callable[[str], np.ndarray], path: Path, message: str) -> None:
    tracemalloc.start()
    with pytest.raises(ValueError, match=rf"a\.{path.suffix[1:]}:? cannot be read \(.*({message})"):
        load(str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


@pytest.mark.parametrize("loader", LOADERS)
def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path: Path, loader: str) -> None:
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("/dev/zero")
    (tmp_path / "c.png").mkdir()
    for name in "abc":
        with pytest.raises(
            ValueError, match=rf"{name}\.png:? cannot be read \(it is not an ordinary"
        ):
            LOADERS[loader](str(tmp_path / f"{name}.png"))


def test_a_file_larger_than_any_image_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(shape(1, 1))
    os.truncate(path, 2**40)  # takes no room on the disk
    refused(read_array, path, "1024.0 GiB, more than any image")


def test_the_limit_is_pillows_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = write(tmp_path / "a.png", np.ones((4, 5), np.uint8))
    array = write(tmp_path / "b.npy", np.ones((4, 5)))
    photograph = write(tmp_path / "c.jpg", np.ones((4, 5), np.uint8))
    for limit, fine in ((20, True), (19, False), (None, True)):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        if limit == 19:
            with pytest.raises(ValueError, match="5 x 4 pixels, more than the limit of 19"):
                OpenMultiTaskImage()({"img_path": str(photograph)})
        for load, path in ((load_image, image), (read_array, image), (read_array, array)):
            if fine:
                assert load(str(path)).shape[:2] == (4, 5)
            else:
                with pytest.raises(ValueError, match="5 x 4 pixels, more than the limit of 19"):
                    load(str(path))


def test_arrays_can_be_written_to(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    loaded = read_array(str(write(tmp_path / "a.npy", values)))
    np.testing.assert_array_equal(loaded, values)
    assert type(loaded) is np.ndarray
    loaded[0] = 0  # the file stays as it is
    np.testing.assert_array_equal(read_array(str(tmp_path / "a.npy")), values)


def test_a_list_from_windows(tmp_path: Path) -> None:
    """A byte-order mark, and lines that end with two characters."""
    path = tmp_path / "train.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\r\ntw\xc3\xb6 \r\n")
    assert read_lines(path) == ["one", "twö"]


@pytest.mark.parametrize(
    ("suffix", "options", "refused"),
    [
        (".jpg", dict(quality=100), True),
        (".webp", dict(), True),
        (".webp", dict(lossless=True), False),
    ],
)
def test_formats_that_change_pixels_are_no_targets(
    tmp_path: Path, suffix: str, options: dict, refused: bool
) -> None:
    """Two classes side by side come back from a JPEG with others at the border between them."""
    labels = np.repeat(np.repeat([[0, 20]], 19, axis=1), 24, axis=0).astype(np.uint8)
    path = tmp_path / f"a{suffix}"
    Image.fromarray(labels).convert("RGB" if suffix == ".webp" else "L").save(path, **options)
    read_array(str(path))
    if not refused:
        assert set(np.unique(read_array(str(path), lossless=True))) == {0, 20}
        return
    with pytest.raises(BrokenFile, match=r"does not keep exact values.*Store targets as PNG"):
        read_array(str(path), lossless=True)


def test_labels_in_a_jpeg_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png", "JPEG")
    with pytest.raises(BrokenFile, match="is a JPEG"):
        LabelMap(("a", "b")).load(str(tmp_path / "a.png"))
