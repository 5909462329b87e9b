"""Figures for a paper: images by tasks by models, on shared scales, with text that stays apart.

Everything is measured in inches before it is placed, so no text can lie on another at any aspect
of the images and any length of the names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

TILE = 1.25  # inches, root of a tile's area
GAP = 0.06
POINTS = 7.0
LINE = POINTS * 1.3 / 72
BAR, SCALE = 0.1, 1.0  # width and height of a scale
RASTER = 150  # pixels per inch of tiles that are text already


@dataclass(frozen=True)
class Tile:
    """An image, uint8 RGB (H, W, 3); ``fixed`` if it is text and is not to be scaled."""

    pixels: np.ndarray
    fixed: bool = False


@dataclass(frozen=True)
class Scale:
    """A bar of colours from 0 to ``high``."""

    high: float
    unit: str
    colours: str


Cell = Tile | Scale | str | None


def lay_out(grid: Sequence[Sequence[Cell]], *, transposed: bool = False) -> Figure:
    """Lay out cells in rows and columns, each as large as its largest cell.

    Args:
        grid: Rows of equal length; text is wrapped, also in the middle of a word.
        transposed: Whether to swap rows and columns.

    Returns:
        The figure, to be written by its ``savefig``.
    """
    rows = [list(row) for row in (zip(*grid, strict=True) if transposed else grid)]
    sizes = [[_size(cell) for cell in row] for row in rows]
    widths = [max(size[0] for size in column) for column in zip(*sizes, strict=True)]
    heights = [max(size[1] for size in row) for row in sizes]
    # an empty row or column takes no gap
    width = sum(w + GAP for w in widths if w) + GAP
    height = sum(h + GAP for h in heights if h) + GAP
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    top = height - GAP
    for row, row_sizes, row_height in zip(rows, sizes, heights, strict=True):
        left = GAP
        for cell, (w, h), column_width in zip(row, row_sizes, widths, strict=True):
            if isinstance(cell, str):
                # names of rows and columns are centred at the side of their tiles
                lines = "\n".join(_wrapped(cell))
                figure.text(
                    (left + column_width / 2) / width,
                    (top - row_height / 2) / height,
                    lines,
                    ha="center",
                    va="center",
                    **_TEXT,
                )
            elif cell is not None:
                box = (left / width, (top - h) / height, w / width, h / height)
                _draw(figure, cell, box, (w, h))
            left += column_width + GAP if column_width else 0
        top -= row_height + GAP if row_height else 0
    return figure


_TEXT: dict[str, Any] = dict(fontsize=POINTS, linespacing=1.2, parse_math=False)
_FONT = FontProperties(size=POINTS)
_canvas = FigureCanvasAgg(Figure(dpi=72))


def _text_width(line: str) -> float:
    """Measure a line in inches."""
    width, _, _ = _canvas.get_renderer().get_text_width_height_descent(line, _FONT, False)
    return width / 72 * 1.04  # other backends space letters a little wider


def _wrapped(text: str) -> list[str]:
    """Break text into lines no wider than a tile."""
    lines = [""]
    for word in text.split():
        if lines[-1] and _text_width(f"{lines[-1]} {word}") <= TILE:
            lines[-1] += f" {word}"
            continue
        lines.append("")
        for letter in word:
            if _text_width(lines[-1] + letter) > TILE:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line]


def _size(cell: Cell) -> tuple[float, float]:
    """Return width and height in inches."""
    if cell is None:
        return 0.0, 0.0
    if isinstance(cell, str):
        lines = _wrapped(cell)
        return max(map(_text_width, lines), default=0.0), LINE * len(lines)
    if isinstance(cell, Scale):
        return BAR + 0.08 + max(map(_text_width, _labels(cell))), SCALE
    height, width = cell.pixels.shape[:2]
    if cell.fixed:
        return width / RASTER, height / RASTER
    share = (width / height) ** 0.5
    return TILE * share, TILE / share


def _labels(scale: Scale) -> list[str]:
    ends = (0.0, scale.high / 2, scale.high)
    unit = scale.unit if scale.unit == "°" else f" {scale.unit}"
    return [f"{'≥ ' if value == scale.high else ''}{value:.3g}{unit}" for value in ends]


def _draw(figure: Figure, cell: Tile | Scale, box: tuple, size: tuple[float, float]) -> None:
    left, bottom, width, height = box
    if isinstance(cell, Tile):
        axes = figure.add_axes(box)
        axes.imshow(cell.pixels, aspect="auto", interpolation="none")
        axes.set_axis_off()
        return
    # the labels at the ends need half a line beyond the bar
    margin = LINE / 2 / size[1] * height
    axes = figure.add_axes((left, bottom + margin, width * BAR / size[0], height - 2 * margin))
    axes.imshow(np.linspace(1, 0, 256)[:, None], aspect="auto", cmap=cell.colours)
    axes.set_axis_off()
    for share, label in zip((0.0, 0.5, 1.0), _labels(cell), strict=True):
        x = left + width * (BAR + 0.04) / size[0]
        y = bottom + margin + share * (height - 2 * margin)
        figure.text(x, y, label, ha="left", va="center", **_TEXT)


def coloured(values: np.ndarray, high: float, colours: str) -> np.ndarray:
    """Draw values (H, W) from 0 to ``high`` in a colour map of Matplotlib; NaN is light grey."""
    shares = np.nan_to_num(values / max(high, 1e-6)).clip(0, 1)
    tile = (matplotlib.colormaps[colours](shares)[..., :3] * 255).round().astype(np.uint8)
    tile[np.isnan(values)] = 225
    return tile


def contours(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Draw the outlines of a coloured label map over a paler image; both uint8 RGB (H, W, 3)."""
    edge = np.zeros(labels.shape[:2], bool)
    down = (labels[1:] != labels[:-1]).any(-1)
    right = (labels[:, 1:] != labels[:, :-1]).any(-1)
    for part, differs in (
        (edge[1:], down), (edge[:-1], down), (edge[:, 1:], right), (edge[:, :-1], right),
    ):  # fmt: skip
        part |= differs
    drawn = (image.astype(np.float32) * 0.6 + 255 * 0.4).astype(np.uint8)
    drawn[edge] = labels[edge]
    return drawn
