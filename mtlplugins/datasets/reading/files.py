"""Checks of files that may be damaged or malicious, before they are read."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from os import stat as file_status
from pathlib import Path

from PIL import Image

from .members import member_size, read_member

#: Formats that are read, detected by content. Pillow knows more, and passes some, such as EPS, to
#: other programs.
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
CHANNELS = 4  # at most, of an array
_BYTES = 8  # of a number, at most


class BrokenFile(ValueError):
    """Error of a data set's file that cannot be read or has wrong content.

    Attributes:
        path: The file.
    """

    # ``path`` is optional: a worker's error is raised again from its message only.
    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


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
    check_file(path)
    with Image.open(readable(path), formats=FORMATS) as image:
        check_pixels(*image.size)
        yield image


def check_file(path: str) -> None:
    """Refuse what is no ordinary file, is empty, or is larger than any image.

    Raises:
        ValueError: The reason.
        OSError: There is no such file.
    """
    size = member_size(path)
    if size is None:
        status = file_status(path)
        if not stat.S_ISREG(status.st_mode):  # reading a pipe may block, a device may never end
            raise ValueError("it is not an ordinary file")
        size = status.st_size
    if not size:
        raise ValueError("it is empty")
    if Image.MAX_IMAGE_PIXELS and size > Image.MAX_IMAGE_PIXELS * CHANNELS * _BYTES:
        raise ValueError(f"it has {size / 2**30:.1f} GiB, more than any image")


def readable(path: str) -> str | BytesIO:
    """Return what decoders open: the path of a file, or the content of a member of a tar file."""
    return path if member_size(path) is None else BytesIO(read_member(path))


def read_content(path: str) -> bytes:
    """Read a file, or a member of a tar file."""
    return Path(path).read_bytes() if member_size(path) is None else read_member(path)


def check_pixels(width: int, height: int) -> None:
    """Refuse a size above ``PIL.Image.MAX_IMAGE_PIXELS``.

    Raises:
        ValueError: It is above the limit.
    """
    limit = Image.MAX_IMAGE_PIXELS
    if limit and width * height > limit:
        raise ValueError(
            f"it announces {width} x {height} pixels, more than the limit of {limit:,}; if it is "
            "right, set PIL.Image.MAX_IMAGE_PIXELS in the config"
        )
