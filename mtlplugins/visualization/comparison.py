"""Cells of a figure that compares models on the same image: a row per task, and per error map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement, PixelData

from mtlplugins.kinds import get_part, parts

from . import canvas
from .figure import Cell, Scale, Tile, coloured, contours

#: Okabe and Ito 2008, told apart with any colour vision; for maps of at most eight classes.
SAFE = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167),
    (86, 180, 233), (213, 94, 0), (240, 228, 66), (0, 0, 0),
)  # fmt: skip
RIGHT, WRONG, UNKNOWN = (240, 240, 240), SAFE[5], (255, 255, 255)
ERROR_COLOURS = "cividis"
#: Errors above this share of all pixels have the colour of the end of the scale.
_PERCENTILE = 98
_MOST_PIXELS = 640
_KEY = 180  # pixels; the height of keys of drawers


def header(names: Sequence[str], *, truth: bool) -> list[Cell]:
    """Return the cells above the rows: the columns' names."""
    return [None, "image", "ground truth" if truth else None, *names, None]


def rows_of_image(
    image: np.ndarray,
    samples: Sequence[BaseDataElement],
    tasks: Mapping[str, dict[str, Any]],
    *,
    errors: bool = False,
    outlines: bool = False,
) -> list[list[Cell]]:
    """Draw an image's rows: name, image, ground truth, a tile for each model, key.

    A task's maps have one scale and one key for all models.

    Args:
        image: uint8 RGB (H, W, 3).
        samples: The predictions of each model, with the same ground truth.
        tasks: ``dataset_meta["tasks"]``; tasks that no sample has are left out.
        errors: Whether to add a row for each error map of a task with ground truth.
        outlines: Whether to draw label maps as outlines over the image.
    """
    image = canvas.resize(image, _size(image), smooth=True)
    rows: list[list[Cell]] = []
    for task, given in tasks.items():
        entry = _safe(given)
        truth = samples[0].get(f"gt_{task}")
        found = [sample.get(f"pred_{task}") for sample in samples]
        if all(field is None for field in found) or not parts(entry["kind"], "drawer"):
            continue
        rows.append([task, *_tiles(image, truth, found, entry, outlines=outlines)])
        if errors and truth is not None and parts(entry["kind"], "errors"):
            rows += _error_rows(task, truth, found, entry, _size(image))
    for row, shown in zip(rows, [Tile(image), *[None] * len(rows)], strict=False):
        row.insert(1, shown)
    return rows


def _size(image: np.ndarray) -> tuple[int, int]:
    """Return a size for tiles that is fine enough for print: (H, W), of at most 640 pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, _MOST_PIXELS / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _safe(entry: dict[str, Any]) -> dict[str, Any]:
    classes = entry.get("classes") or ()
    return entry | dict(palette=SAFE[: len(classes)]) if len(classes) <= len(SAFE) else entry


def _tiles(
    image: np.ndarray, truth: Any, found: Sequence[Any], entry: dict[str, Any], *, outlines: bool
) -> list[Cell]:
    """Draw ground truth, predictions and key of one task."""
    draw = get_part(entry["kind"], "drawer")
    size = height, width = image.shape[:2]
    present = [field for field in found if field is not None]
    if isinstance(present[0], PixelData):
        # side by side in one map, so that all have the scale and the key of all
        beside = torch.cat([field.get("data") for field in present], dim=-1)
        size = height, width * len(present)
        drawing = draw(truth, PixelData(data=beside), entry, size)
        shown = iter(np.split(drawing.prediction, len(present), axis=1))
        true = draw(truth, None, entry, image.shape[:2]).truth if truth is not None else None
        pixels = [true, *(None if field is None else next(shown) for field in found)]
        if outlines and not present[0].get("data").is_floating_point():
            pixels = [None if tile is None else contours(image, tile) for tile in pixels]
        tiles = [None if tile is None else Tile(tile) for tile in pixels]
        key = draw(truth, PixelData(data=beside), entry, (_KEY, _KEY)).key
        return [*tiles, _text(key)]
    drawings = [None if field is None else draw(truth, field, entry, size) for field in found]
    true = next(drawing.truth for drawing in drawings if drawing is not None)
    return [
        _text(true),
        *(None if drawing is None else _text(drawing.prediction) for drawing in drawings),
        None,
    ]


def _text(tile: np.ndarray | None) -> Cell:
    # a drawer without a key draws a single pixel
    return None if tile is None or min(tile.shape[:2]) <= 1 else Tile(tile, fixed=True)


def _error_rows(
    task: str, truth: Any, found: Sequence[Any], entry: dict[str, Any], size: tuple[int, int]
) -> list[list[Cell]]:
    measure = get_part(entry["kind"], "errors")
    by_model = [None if field is None else measure(truth, field, entry) for field in found]
    rows = []
    for number, first in enumerate(next(maps for maps in by_model if maps is not None)):
        maps = [None if made is None else made[number] for made in by_model]
        pixels, key = _drawn(first.unit, [None if made is None else made.values for made in maps])
        tiles = [None if tile is None else Tile(canvas.resize(tile, size)) for tile in pixels]
        rows.append([f"{task}: {first.name}", None, *tiles, key])
    return rows


def _drawn(unit: str, maps: Sequence[np.ndarray | None]) -> tuple[list[np.ndarray | None], Cell]:
    """Draw an error of all models on one scale; return their tiles and the key."""
    known = np.concatenate([values.flatten() for values in maps if values is not None])
    unknown, known = np.isnan(known), known[~np.isnan(known)]
    if not unit:
        names = [("wrong", WRONG), ("right", RIGHT)]
        names += [("unlabelled", UNKNOWN)] if unknown.any() else []
        key = _text(canvas.legend(names, _KEY))
        return [None if values is None else _marked(values) for values in maps], key
    high = float(np.percentile(known, _PERCENTILE)) if known.size else 1.0
    tiles = [None if v is None else coloured(v, high, ERROR_COLOURS) for v in maps]
    return tiles, Scale(high, unit, ERROR_COLOURS)


def _marked(wrong: np.ndarray) -> np.ndarray:
    tile = canvas.blank(*wrong.shape, RIGHT)
    tile[wrong == 1] = WRONG
    tile[np.isnan(wrong)] = UNKNOWN
    return tile
