"""Tiles (text, colour swatches, legends) and their layout in a grid.

A tile is a uint8 RGB array (H, W, 3); tiles of any sizes are placed on white.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK = (30, 30, 30)
FAINT = (190, 190, 190)
TEXT_SIZE = 14
TITLE_SIZE = 16
LONGEST_TEXT = 40  # characters; some class names of ImageNet are wider than an image


@lru_cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts/ttf", name)), size)


def blank(height: int, width: int, colour: Sequence[int] = (255, 255, 255)) -> np.ndarray:
    """Make a tile of one colour."""
    return np.full((height, width, 3), colour, dtype=np.uint8)


def text(
    line: str, *, size: int = TEXT_SIZE, bold: bool = False, colour: Sequence[int] = INK
) -> np.ndarray:
    """Render a line of text, shortened to LONGEST_TEXT; the height does not depend on letters."""
    if len(line) > LONGEST_TEXT:
        line = line[: LONGEST_TEXT - 1] + "…"
    font = _font(size, bold)
    ascent, descent = font.getmetrics()
    image = Image.new("RGB", (int(font.getlength(line)) + 2, ascent + descent), "white")
    ImageDraw.Draw(image).text((0, 0), line, font=font, fill=tuple(colour))
    return np.asarray(image)


def swatch(colour: Sequence[int]) -> np.ndarray:
    """Draw a framed square of a colour, as high as a line of text."""
    height = text("").shape[0]
    tile = blank(height, height)
    tile[2:-2, 2:-2] = FAINT
    tile[3:-3, 3:-3] = colour
    return tile


def message(line: str, size: tuple[int, int]) -> np.ndarray:
    """Draw a framed tile (height, width) with centred text; larger if the text needs it."""
    words = text(line, colour=(110, 110, 110))
    height, width = size
    tile = blank(max(height, words.shape[0] + 4), max(width, words.shape[1] + 12), (245, 245, 245))
    top, left = ((tile.shape[axis] - words.shape[axis]) // 2 for axis in (0, 1))
    inside = tile[top : top + words.shape[0], left : left + words.shape[1]]
    np.minimum(inside, words, out=inside)
    return cv2.rectangle(tile, (0, 0), (tile.shape[1] - 1, tile.shape[0] - 1), FAINT, 1)


def resize(tile: np.ndarray, size: tuple[int, int], *, smooth: bool = False) -> np.ndarray:
    """Resize a tile to (height, width); ``smooth`` interpolates, which would blend labels."""
    if not smooth:
        method = cv2.INTER_NEAREST_EXACT
    else:
        method = cv2.INTER_AREA if size[0] < tile.shape[0] else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(tile), size[::-1], interpolation=method)


def grid(rows: Sequence[Sequence[np.ndarray]], *, gap: int = 0) -> np.ndarray:
    """Lay out tiles in aligned rows and columns, each as large as its largest tile.

    Args:
        rows: Tiles by row; rows may differ in length, and there is at least one tile.
        gap: White pixels between neighbours.
    """
    columns = max(map(len, rows))
    widths = [
        max(row[column].shape[1] for row in rows if column < len(row)) for column in range(columns)
    ]
    heights = [max((tile.shape[0] for tile in row), default=0) for row in rows]
    canvas = blank(sum(heights) + gap * (len(rows) - 1), sum(widths) + gap * (columns - 1))
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for tile, width in zip(row, widths, strict=False):
            canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
            left += width + gap
        top += height + gap
    return canvas


def legend(entries: Sequence[tuple[str, Sequence[int]]], height: int) -> np.ndarray:
    """Draw names beside their colours, in as many columns as the height requires."""
    lines = [grid([[swatch(colour), text(name)]], gap=5) for name, colour in entries]
    if not lines:
        return blank(1, 1)
    per_column = max(1, height // lines[0].shape[0])
    columns = [lines[i : i + per_column] for i in range(0, len(lines), per_column)]
    return grid([[grid([[line] for line in column]) for column in columns]], gap=14)


def false_colours(channels: np.ndarray) -> np.ndarray:
    """Draw the first three channels of (H, W, C), or the first alone, scaled to their range."""
    shown = channels[..., :3] if channels.shape[2] >= 3 else channels[..., :1].repeat(3, 2)
    shown = shown.astype(np.float32)
    low, high = shown.min(axis=(0, 1)), shown.max(axis=(0, 1))
    return ((shown - low) / np.maximum(high - low, 1e-6) * 255).round().astype(np.uint8)
