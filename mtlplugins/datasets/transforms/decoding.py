"""Decoding of photographs at no larger a scale than is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from mtlplugins.datasets.reading.files import FORMATS, BrokenFile

_FACTORS = (8, 4, 2)  # by which JPEG decoders divide the sides
_ORIENTATION = 0x0112  # the tag of EXIF
#: EXIF's orientations in which the stored picture's axes change places, and those in which the rows
#: and the columns of the upright picture are counted from an end of the stored one.
_TRANSPOSED, _ROWS_TURNED, _COLUMNS_TURNED = (5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7)
_TURNED = range(2, 9)
#: How EXIF data begin in a PNG, which may have them behind its pixels.
_IN_PNG = (b"eXIf", b"XML:com.adobe.xmp", b"Raw profile type")


@contextmanager
def broken_if_unreadable(path: str) -> Iterator[None]:
    """Name the image file in whatever a decoder raises.

    Raises:
        BrokenFile: Anything was raised.
    """
    try:
        yield
    except Exception as error:  # decoders raise anything, and Pillow's bombs are no OSError
        raise BrokenFile(
            f"image {path} cannot be read ({str(error) or type(error).__name__}); replace the "
            "file or take its name out of the split file",
            path,
        ) from error


def is_turned(path: str, header: Image.Image) -> bool:
    """Whether decoders turn or mirror a picture, which is open, as its EXIF data say."""
    if isinstance(header, PngImageFile):  # Pillow would decode it to look behind the pixels
        content = Path(path).read_bytes()
        if not any(mark in content for mark in _IN_PNG):
            return False
    return header.getexif().get(_ORIENTATION, 1) in _TURNED


@dataclass(frozen=True)
class UndecodedImage:
    """A part of a JPEG, in place of its pixels until it is known how many of them are needed.

    It can be cut as the BGR uint8 array (H, W, 3) that it stands for, ``image[top:bottom,
    left:right]``, until :func:`resize` decodes it. Whatever else is done with it is an error that
    says so, of any transform: even its shape, which is what most ask for first.

    Args:
        path: File.
        size: (height, width) of the whole picture in pixels, upright as its EXIF data say.
        orientation: Where its first row and column are, by the numbers of EXIF.
        box: (top, left, height, width) of the part in pixels of the whole.
    """

    path: str
    size: tuple[int, int]
    orientation: int
    box: tuple[int, int, int, int]

    @classmethod
    def of(cls, path: str, header: Image.Image) -> UndecodedImage | None:
        """Take the header of a picture that is open; None of one that has no reduced scales."""
        if not isinstance(header, JpegImageFile):
            return None
        orientation = header.getexif().get(_ORIENTATION, 1)
        size = header.size if orientation in _TRANSPOSED else header.size[::-1]
        return cls(path, size, orientation, (0, 0, *size))

    @property
    def turned(self) -> bool:
        """Whether decoding turns or mirrors the picture."""
        return self.orientation in _TURNED

    def __getitem__(self, part: tuple[slice, slice]) -> UndecodedImage:
        """Take some of the rows and columns."""
        axes = part if isinstance(part, tuple) else (part,)
        if len(axes) != 2 or not all(isinstance(a, slice) and a.step in (None, 1) for a in axes):
            _refuse()
        (top, bottom, _), (left, right, _) = (
            axis.indices(side) for axis, side in zip(axes, self.box[2:], strict=True)
        )
        box = self.box[0] + top, self.box[1] + left, bottom - top, right - left
        return replace(self, box=box)

    def resized(self, size: tuple[int, int]) -> np.ndarray:
        """Decode at the smallest scale at which the part is no smaller than ``size``, and resize.

        Args:
            size: (height, width) of the result.

        Returns:
            BGR uint8 (height, width, 3). Of a part that is decoded in full size, bit for bit what
            :func:`resize` makes of its pixels; else aligned with that to 1/100 of a pixel.

        Raises:
            BrokenFile: The file cannot be decoded.
        """
        top, left, height, width = self.box
        fitting = (f for f in _FACTORS if f * size[0] <= height and f * size[1] <= width)
        factor = next(fitting, 1)
        pixels = self._decode(factor)
        if factor == 1:
            return resize(pixels[top : top + height, left : left + width], size)
        # A reduced pixel stands for factor x factor others, from the first row and column that are
        # stored: what lies u pixels from that border lies u / factor reduced ones from it. At the
        # opposite border the last reduced pixel may reach out of the picture; where turning the
        # picture upright makes it the first, all others are pushed by as much.
        pushed_down = -self.size[0] % factor if self.orientation in _ROWS_TURNED else 0
        pushed_right = -self.size[1] % factor if self.orientation in _COLUMNS_TURNED else 0
        high, wide = height / size[0], width / size[1]  # of a pixel of the result
        # from the centres of the result's pixels, counted from 0, to those of reduced pixels
        places = np.array(
            [
                [wide, 0, left + pushed_right + (wide - factor) / 2],
                [0, high, top + pushed_down + (high - factor) / 2],
            ]
        )
        return cv2.warpAffine(
            pixels,
            places / factor,
            size[::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def _decode(self, factor: int) -> np.ndarray:
        """Decode the whole picture, its sides divided by ``factor`` and rounded up."""
        with broken_if_unreadable(self.path):
            image = Image.open(BytesIO(Path(self.path).read_bytes()), formats=FORMATS)
            # Pillow takes the largest factor that leaves no less than it is asked for
            image.draft(None, (image.width // factor, image.height // factor))
            upright = ImageOps.exif_transpose(image)
            rgb = upright if upright.mode == "RGB" else upright.convert("RGB")
            return np.array(rgb)[:, :, ::-1]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        _refuse()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # which Python asks for, to copy it for instance
            raise AttributeError(name)
        _refuse()


def size_of(image: np.ndarray | UndecodedImage) -> tuple[int, int]:
    """Give (height, width) of a picture (H, W, 3) in pixels."""
    return image.box[2:] if isinstance(image, UndecodedImage) else image.shape[:2]


def resize(image: np.ndarray | UndecodedImage, size: tuple[int, int]) -> np.ndarray:
    """Resize a picture (H, W, 3) bilinearly, about pixel centres, to ``size`` (height, width)."""
    if isinstance(image, UndecodedImage):
        return image.resized(size)
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)


def _refuse() -> NoReturn:
    raise ValueError(
        "pipeline: OpenMultiTaskImage leaves the decoding to MultiTaskRandomResizedCrop or "
        "MultiTaskResize: put one of them behind it, with nothing but LoadTargets between, or use "
        "LoadMultiTaskImage"
    )
