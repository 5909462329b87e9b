"""Arrays from files that may be damaged, or made to do damage."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from os import stat as file_status
from pathlib import Path

import numpy as np
from PIL import Image

#: What is read, by content and not by name. Pillow knows more, and hands some, such as EPS, to
#: other programs.
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
_CHANNELS = 4
_BYTES = 8


class BrokenFile(ValueError):
    """A file of the data set that cannot be read or does not hold what it should.

    Attributes:
        path: The file.
    """

    # A worker's error is raised again from its message alone.
    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


def read_array(path: str, *, lossless: bool = False) -> np.ndarray:
    """Read an image, palette indices as they are, or a ``.npy`` file.

    Args:
        path: File.
        lossless: Whether to refuse formats that change pixels, which no target survives: the
            artefacts at an edge between two classes are other classes.

    Raises:
        BrokenFile: The file cannot be read, or is refused as by :func:`open_picture`, or as lossy;
            the message names it.
    """
    try:
        if Path(path).suffix == ".npy":
            return _read_npy(path)
        with open_picture(path) as image:
            if lossless and _is_lossy(path, image):
                raise BrokenFile(
                    f"{path} is a {image.format}, which keeps no exact values: its artefacts would "
                    "be read as labels or measurements. Store targets as PNG, TIFF or .npy, made "
                    "from the originals",
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
    """Read the lines of a split file, stripped, without empty ones; a byte-order mark is no text.

    Raises:
        ValueError: It is no text, or a line leads out of the folder that it names files in.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text ({error}); write one name per line") from error
    for line in lines:
        if line.startswith(("/", "\\")) and len(line.split()) > 1:
            raise ValueError(columns_as_name(path, line))
        if Path(line).is_absolute() or ".." in Path(line).parts:
            raise ValueError(
                f"{path} lists {line!r}, which leads out of the data set's folder: list names "
                "below it"
            )
    return [line for line in lines if line]


def columns_as_name(path: Path, line: str) -> str:
    """Say how a line of several words was understood, and what to write instead."""
    return (
        f"{path} lists {line!r}, which was read as one name. If its {len(line.split())} words are "
        "columns, such as an image, its depth and a focal length, write a file with one image name "
        "per line, below the data set's root and without a leading slash; where targets lie is "
        "said by the folder and suffix of the data set's targets"
    )


@contextmanager
def open_picture(path: str) -> Iterator[Image.Image]:
    """Open a picture and look at its header, before memory is taken for what it announces.

    The limit is Pillow's own ``PIL.Image.MAX_IMAGE_PIXELS`` (89 million; None for no limit), past
    which Pillow itself only warns.

    Yields:
        The picture, of which nothing but the header is read.

    Raises:
        ValueError: It is empty, no ordinary file, or larger than the limit.
        OSError: It cannot be opened, or is none of the formats that are read.
    """
    _check_file(path)
    with Image.open(path, formats=FORMATS) as image:
        _check_pixels(*image.size)
        yield image


def _is_lossy(path: str, image: Image.Image) -> bool:
    if image.format == "WEBP":
        return b"VP8L" not in Path(path).read_bytes()  # the chunk of its lossless pixels
    return image.format == "JPEG"


def _check_file(path: str) -> None:
    status = file_status(path)
    if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for, a device never ends
        raise ValueError("it is no ordinary file")
    if not status.st_size:
        raise ValueError("it is empty")
    if Image.MAX_IMAGE_PIXELS and status.st_size > Image.MAX_IMAGE_PIXELS * _CHANNELS * _BYTES:
        raise ValueError(f"it has {status.st_size / 2**30:.1f} GiB, more than any picture")


def _check_pixels(width: int, height: int) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    if limit and width * height > limit:
        raise ValueError(
            f"it announces {width} x {height} pixels, more than the limit of {limit:,}; if it is "
            "right, set PIL.Image.MAX_IMAGE_PIXELS in the config"
        )


def _read_npy(path: str) -> np.ndarray:
    _check_file(path)
    # a map is refused where the file is shorter than its header says; reading would allocate first
    values = np.lib.format.open_memmap(path, mode="r")
    if values.ndim >= 2:
        _check_pixels(values.shape[1], values.shape[0])
    if prod(values.shape[2:]) > _CHANNELS:
        raise ValueError(f"it has the shape {values.shape}, which is none of a map")
    return np.array(values)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
