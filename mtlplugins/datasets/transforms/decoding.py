"""Decoding of JPEG files at the smallest sufficient scale."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, NoReturn

import cv2
import numpy as np
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from mtlplugins.datasets.reading.files import FORMATS, BrokenFile, read_content

_FACTORS = (8, 4, 2)  # by which JPEG decoders can divide the sides
_ORIENTATION = 0x0112  # EXIF tag
#: EXIF orientations in which the axes of the stored image are swapped, and those in which the rows
#: and the columns of the upright image run against those of the stored one.
_TRANSPOSED, _ROWS_TURNED, _COLUMNS_TURNED = (5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7)
_TURNED = range(2, 9)
#: Markers of EXIF data in a PNG, which may be after the pixels.
_IN_PNG = (b"eXIf", b"XML:com.adobe.xmp", b"Raw profile type")


@contextmanager
def broken_if_unreadable(path: str) -> Iterator[None]:
    """Convert any error of a decoder to one that names the image file.

    Raises:
        BrokenFile: The decoder raised an error.
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
    """Return whether decoders rotate or mirror an open image according to its EXIF data."""
    if isinstance(header, PngImageFile):  # Pillow would decode it to read what is after the pixels
        content = read_content(path)
        if not any(mark in content for mark in _IN_PNG):
            return False
    return header.getexif().get(_ORIENTATION, 1) in _TURNED


@dataclass(frozen=True)
class UndecodedImage:
    """Lazily decoded part of a JPEG, a placeholder until the needed resolution is known.

    It can be cropped like the BGR uint8 array (H, W, 3) that it stands for, ``image[top:bottom,
    left:right]``, until :func:`resize` decodes it. Any other use by a transform, even of its shape,
    is an error that explains this.

    Args:
        path: The file.
        size: (height, width) of the whole image in pixels, upright according to its EXIF data.
        orientation: EXIF orientation of the stored image.
        box: (top, left, height, width) of the part in pixels of the whole image.
    """

    path: str
    size: tuple[int, int]
    orientation: int
    box: tuple[int, int, int, int]

    @classmethod
    def of(cls, path: str, header: Image.Image) -> UndecodedImage | None:
        """Make one from the header of an open image; None if its format has no reduced scales."""
        if not isinstance(header, JpegImageFile):
            return None
        orientation = header.getexif().get(_ORIENTATION, 1)
        size = header.size if orientation in _TRANSPOSED else header.size[::-1]
        return cls(path, size, orientation, (0, 0, *size))

    @property
    def turned(self) -> bool:
        """Whether decoding rotates or mirrors the image."""
        return self.orientation in _TURNED

    def __getitem__(self, part: tuple[slice, slice]) -> UndecodedImage:
        """Crop to a range of rows and columns."""
        axes = part if isinstance(part, tuple) else (part,)
        if len(axes) != 2 or not all(isinstance(a, slice) and a.step in (None, 1) for a in axes):
            _refuse()
        (top, bottom, _), (left, right, _) = (
            axis.indices(side) for axis, side in zip(axes, self.box[2:], strict=True)
        )
        box = self.box[0] + top, self.box[1] + left, bottom - top, right - left
        return replace(self, box=box)

    def resized(self, size: tuple[int, int]) -> np.ndarray:
        """Decode at the smallest scale at which the part has at least ``size``, and resize.

        Args:
            size: (height, width) of the result.

        Returns:
            BGR uint8 (height, width, 3). If decoded at full scale, bit for bit what :func:`resize`
            makes of the pixels; else aligned with that to 1/100 of a pixel.

        Raises:
            BrokenFile: The file cannot be decoded.
        """
        top, left, height, width = self.box
        fitting = (f for f in _FACTORS if f * size[0] <= height and f * size[1] <= width)
        factor = next(fitting, 1)
        pixels = self._decode(factor)
        if factor == 1:
            return resize(pixels[top : top + height, left : left + width], size)
        # A reduced pixel covers factor x factor pixels, counted from the first stored row and
        # column: a distance of u pixels from that border is u / factor reduced pixels. At the
        # opposite border the last reduced pixel may extend beyond the image; if rotating the image
        # upright makes it the first, all others are shifted by the excess.
        shift_down = -self.size[0] % factor if self.orientation in _ROWS_TURNED else 0
        shift_right = -self.size[1] % factor if self.orientation in _COLUMNS_TURNED else 0
        high, wide = height / size[0], width / size[1]  # of a pixel of the result
        # maps centres of the result's pixels, counted from 0, to those of reduced pixels
        places = np.array(
            [
                [wide, 0, left + shift_right + (wide - factor) / 2],
                [0, high, top + shift_down + (high - factor) / 2],
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
        """Decode the whole image, its sides divided by ``factor`` and rounded up."""
        with broken_if_unreadable(self.path):
            image = Image.open(BytesIO(read_content(self.path)), formats=FORMATS)
            # Pillow takes the largest factor that leaves at least the requested size
            image.draft(None, (image.width // factor, image.height // factor))
            upright = ImageOps.exif_transpose(image)
            rgb = upright if upright.mode == "RGB" else upright.convert("RGB")
            return np.array(rgb)[:, :, ::-1]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        _refuse()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python asks for these, for example to copy it
            raise AttributeError(name)
        _refuse()


def size_of(image: np.ndarray | UndecodedImage) -> tuple[int, int]:
    """Return (height, width) of an image (H, W, 3) in pixels."""
    return image.box[2:] if isinstance(image, UndecodedImage) else image.shape[:2]


def resize(image: np.ndarray | UndecodedImage, size: tuple[int, int]) -> np.ndarray:
    """Resize an image (H, W, C) bilinearly to (height, width), aligned by pixel centres."""
    if isinstance(image, UndecodedImage):
        return image.resized(size)
    resized = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    return resized.reshape(*size, *image.shape[2:])  # OpenCV drops the axis of one channel


def _refuse() -> NoReturn:
    raise ValueError(
        "pipeline: OpenMultiTaskImage leaves the decoding to MultiTaskRandomResizedCrop or "
        "MultiTaskResize: put one of them after it, with nothing but LoadTargets between, or use "
        "LoadMultiTaskImage"
    )
