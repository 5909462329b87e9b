"""Panels: an image with one row per task, ground truth beside prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.structures import BaseDataElement

from mtlplugins.kinds import get_part

from . import canvas

GAP = 12


def draw_panel(
    image: np.ndarray,
    sample: BaseDataElement | None,
    tasks: dict[str, dict[str, Any]],
    *,
    draw_gt: bool = True,
    draw_pred: bool = True,
) -> np.ndarray:
    """Draw the image and a row per task: ground truth, prediction, key.

    Args:
        image: uint8 RGB (H, W, 3). Every dense map is drawn at this size.
        sample: Fields ``gt_<task>`` and ``pred_<task>``; tasks with neither are left out.
        tasks: ``dataset_meta["tasks"]``; rows are in its order.
        draw_gt: Whether to draw the ground truth.
        draw_pred: Whether to draw the prediction.

    Returns:
        uint8 RGB (H', W', 3).

    Raises:
        ValueError: The image has another shape or type, a task's kind has no drawer, or a field
            does not fit its task.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected a uint8 RGB image (H, W, 3), got {image.dtype} {image.shape}")
    size = _tile_size(*image.shape[:2])
    columns = [("truth", "gt")] * draw_gt + [("prediction", "pred")] * draw_pred
    rows = []
    for task, entry in tasks.items():
        fields = {
            title: None if sample is None else sample.get(f"{field}_{task}")
            for title, field in columns
        }
        if any(field is not None for field in fields.values()):
            rows.append(_draw_row(task, entry, fields, size))
    cells = [_titled("input", canvas.resize(image, size, smooth=True))]
    if rows:
        cells.append(canvas.grid(rows, gap=GAP))
    panel = canvas.grid([cells], gap=GAP)
    framed = canvas.blank(panel.shape[0] + 2 * GAP, panel.shape[1] + 2 * GAP)
    framed[GAP:-GAP, GAP:-GAP] = panel
    return framed


def _draw_row(
    task: str, entry: dict[str, Any], fields: dict[str, Any], size: tuple[int, int]
) -> list[np.ndarray]:
    """Return the titled cells of a task; ``fields`` has the columns to draw, None if empty."""
    draw = get_part(entry["kind"], "drawer", task=task)
    try:
        drawing = draw(fields.get("truth"), fields.get("prediction"), entry, size)
    except ValueError as error:
        raise ValueError(f"task '{task}': {error}") from error
    tiles = {"truth": drawing.truth, "prediction": drawing.prediction}
    present = next(tile for tile in tiles.values() if tile is not None)
    absent = {"truth": "no target", "prediction": "no prediction"}
    cells = []
    for title in fields:
        tile = tiles[title]
        if tile is None:
            tile = canvas.message(absent[title], present.shape[:2])
        cells.append(_titled(f"{task}: {title}", tile))
    return [*cells, _titled("", drawing.key)]


def _tile_size(height: int, width: int) -> tuple[int, int]:
    """Return a tile size that is large enough beside text and small enough for a screen."""
    scale = min(min(max(height, 240), 480) / height, 640 / width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _titled(title: str, tile: np.ndarray) -> np.ndarray:
    return canvas.grid([[canvas.text(title, size=canvas.TITLE_SIZE, bold=True)], [tile]], gap=4)
