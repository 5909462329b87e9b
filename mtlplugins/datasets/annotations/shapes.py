"""Shapes of an annotation file, and the images that they are drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlplugins.datasets.reading.files import check_pixels

from .polygons import Polygon
from .run_lengths import RunLengths

_CORNERS = 128  # of the polygon that stands for an ellipse


@dataclass(frozen=True, eq=False)
class Shape:
    """Area of one class.

    Attributes:
        label: Index of the class.
        where: The annotation, for errors.
        parts: The areas it is made of.
    """

    label: int
    where: str
    parts: Sequence[Polygon | RunLengths]

    @property
    def area(self) -> float:
        """Area in pixels."""
        return sum(part.area for part in self.parts)


@dataclass(frozen=True, eq=False)
class Drawing:
    """Shapes of an image, from the lowest to the uppermost.

    Attributes:
        file: The annotation file.
        image: The image's name there.
        size: (height, width).
        shapes: The shapes.
        largest_first: Whether they have no order, and smaller ones lie on larger ones.
    """

    file: str
    image: str
    size: tuple[int, int]
    shapes: Sequence[Shape]
    largest_first: bool = False

    def __str__(self) -> str:
        return f"{self.file} (image {self.image!r})"


def polygon(points: Any, size: tuple[int, int]) -> Polygon:
    """Make a polygon of an image of (height, width) from pairs of numbers.

    Raises:
        ValueError: They are no pairs of numbers, or outside of the image.
    """
    try:
        corners = np.array(points, np.float32).reshape(-1, 2)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"its points are no pairs of numbers ({error})") from error
    found = Polygon(corners)
    found.check(size)
    return found


def ellipse(
    centre: tuple[float, float], radii: tuple[float, float], degrees: float = 0.0
) -> Polygon:
    """Make a polygon of 128 corners, on an ellipse turned clockwise by ``degrees``."""
    angles = 2 * np.pi * np.arange(_CORNERS) / _CORNERS
    corners = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii
    return Polygon(turned(corners, degrees) + centre)


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    """Turn points (N, 2) clockwise about (0, 0); y is down."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return points @ np.array([[c, s], [-s, c]])


def image_size(height: Any, width: Any) -> tuple[int, int]:
    """Return (height, width) of an image as an annotation file says.

    Raises:
        ValueError: They are no sizes, or above Pillow's limit.
    """
    try:
        size = int(height), int(width)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"its height {height!r} and width {width!r} are no numbers") from error
    if min(size) < 1:
        raise ValueError(f"its height {size[0]} and width {size[1]} are not above 0")
    check_pixels(size[1], size[0])
    return size
