"""Safe reading of arrays from files that may be damaged or malicious."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from os import stat as file_status
from pathlib import Path

import numpy as np
from PIL import Image

#: Formats that are read, detected by content. Pillow knows more, and passes some, such as EPS, to
#: other programs.
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
_CHANNELS = 4
_BYTES = 8


class BrokenFile(ValueError):
    """Error of a data set's file that cannot be read or has wrong content.

    Attributes:
        path: The file.
    """

    # ``path`` is optional: a worker's error is raised again from its message only.
    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


def read_array(path: str, *, lossless: bool = False, channels: int = _CHANNELS) -> np.ndarray:
    """Read an image, palette indices as they are, or a ``.npy`` file.

    Args:
        path: The file.
        lossless: Whether to refuse lossy formats, for targets: compression artefacts at an edge
            between two classes would be read as other classes.
        channels: Most channels that a ``.npy`` file may have.

    Raises:
        BrokenFile: The file cannot be read, is refused by :func:`open_image`, or is lossy; the
            message names it.
    """
    try:
        if Path(path).suffix == ".npy":
            return _read_npy(path, channels)
        with open_image(path) as image:
            if lossless and _is_lossy(path, image):
                raise BrokenFile(
                    f"{path} is a {image.format}, which does not keep exact values: its artefacts "
                    "would be read as labels or measurements. Store targets as PNG, TIFF or .npy, "
                    "made from the originals",
                    path,
                )
            return np.array(image)
    except BrokenFile:
        raise
    except Exception as error:  # decoders raise anything, and Pillow's bombs are no OSError
        raise BrokenFile(
            f"{path}: cannot be read ({_reason(error)}); is the file complete?", path
        ) from error


def read_lines(path: Path) -> list[str]:
    """Read the lines of a list, stripped, without empty lines and the byte-order mark.

    Raises:
        ValueError: The file is not text.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not text in UTF-8 ({error}); save it as such, and write one name per line"
        ) from error
    return [line for line in lines if line]


@contextmanager
def open_image(path: str) -> Iterator[Image.Image]:
    """Open an image and check the size in its header before its pixels are allocated.

    The limit is Pillow's own ``PIL.Image.MAX_IMAGE_PIXELS`` (89 million; None for no limit), above
    which Pillow itself only warns.

    Yields:
        The image, of which only the header is read.

    Raises:
        ValueError: The file is empty, not an ordinary file, or larger than the limit.
        OSError: The file cannot be opened, or its format is not among those that are read.
    """
    _check_file(path)
    with Image.open(path, formats=FORMATS) as image:
        _check_pixels(*image.size)
        yield image


def _is_lossy(path: str, image: Image.Image) -> bool:
    if image.format == "WEBP":
        return b"VP8L" not in Path(path).read_bytes()  # the chunk of lossless pixels
    return image.format == "JPEG"


def _check_file(path: str) -> None:
    status = file_status(path)
    if not stat.S_ISREG(status.st_mode):  # reading a pipe may block, a device may never end
        raise ValueError("it is not an ordinary file")
    if not status.st_size:
        raise ValueError("it is empty")
    if Image.MAX_IMAGE_PIXELS and status.st_size > Image.MAX_IMAGE_PIXELS * _CHANNELS * _BYTES:
        raise ValueError(f"it has {status.st_size / 2**30:.1f} GiB, more than any image")


def _check_pixels(width: int, height: int) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    if limit and width * height > limit:
        raise ValueError(
            f"it announces {width} x {height} pixels, more than the limit of {limit:,}; if it is "
            "right, set PIL.Image.MAX_IMAGE_PIXELS in the config"
        )


def _read_npy(path: str, channels: int) -> np.ndarray:
    _check_file(path)
    # mapping fails if the file is shorter than its header says; reading would allocate first
    values = np.lib.format.open_memmap(path, mode="r")
    if values.ndim >= 2:
        _check_pixels(values.shape[1], values.shape[0])
    if prod(values.shape[2:]) > channels:
        raise ValueError(f"it has the shape {values.shape}, which is not that of a map")
    return np.array(values)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
