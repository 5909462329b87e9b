"""OpenCV decodes to the pixels of Pillow, and leaves to it what it would not refuse."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mtlplugins.datasets.reading.opencv_decoding import decode_whole

RNG = np.random.default_rng(0)
SMOOTH = cv2.resize(RNG.integers(0, 256, (9, 11, 3), dtype=np.uint8), (67, 45))
DEEP = RNG.integers(0, 2**16, (45, 67), dtype=np.uint16)
ICC = bytes(200)


def decode(path: Path, *, colours: bool = True) -> np.ndarray | None:
    with Image.open(path) as image:
        return decode_whole(str(path), image, colours=colours)


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg(tmp_path: Path, quality: int, subsampling: str, progressive: bool) -> None:
    path = tmp_path / "a.jpg"
    options = dict(quality=quality, subsampling=subsampling, progressive=progressive)
    Image.fromarray(SMOOTH).save(path, icc_profile=ICC, **options)
    np.testing.assert_array_equal(decode(path), np.array(Image.open(path))[..., ::-1])
    assert decode(path, colours=False) is None


@pytest.mark.parametrize("values", [SMOOTH[..., 0], DEEP, SMOOTH], ids=["8", "16", "colours"])
def test_png(tmp_path: Path, values: np.ndarray) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(values).save(path)
    colours = values.ndim == 3
    decoded = decode(path, colours=colours)
    assert decoded.dtype == values.dtype
    np.testing.assert_array_equal(decoded, values[..., ::-1] if colours else values)
    assert decode(path, colours=not colours) is None


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_damaged_file_is_left_to_pillow(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(SMOOTH).save(path)
    content = path.read_bytes()
    for kept in (0.5, 0.9, len(content) - 1):
        path.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
        assert decode(path) is None
    if suffix == "png":  # a changed byte that the checksum of its chunk finds
        changed = bytearray(content)
        changed[len(content) // 2] ^= 1
        path.write_bytes(changed)
        assert decode(path) is None


def test_what_opencv_reads_otherwise_is_left_to_pillow(tmp_path: Path) -> None:
    image = Image.fromarray(SMOOTH)
    for mode in ("L", "P", "1", "RGBA", "LA"):
        image.convert(mode).save(tmp_path / f"{mode}.png")
        assert decode(tmp_path / f"{mode}.png") is None
    for mode in ("P", "1", "RGBA", "LA"):
        assert decode(tmp_path / f"{mode}.png", colours=False) is None
    image.convert("L").save(tmp_path / "clear.png", transparency=3)
    assert decode(tmp_path / "clear.png", colours=False) is None
    for mode in ("L", "CMYK"):
        image.convert(mode).save(tmp_path / f"{mode}.jpg")
        assert decode(tmp_path / f"{mode}.jpg") is None
    image.save(tmp_path / "a.webp")
    assert decode(tmp_path / "a.webp") is None
