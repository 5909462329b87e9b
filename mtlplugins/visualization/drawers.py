"""Drawers: tiles of ground truth, prediction and colour key, for each kind of target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from mmengine.structures import LabelData, PixelData

from mtlplugins.kinds import part_of_kind

from . import canvas

# Perceptually uniform, and its darkest colour differs visibly from the black of missing pixels.
DEPTH_COLOURS = (
    (matplotlib.colormaps["viridis"](np.arange(256))[:, :3] * 255).round().astype(np.uint8)
)
MISSING = (0, 0, 0)
UNLABELLED = (255, 255, 255)


class Drawing(NamedTuple):
    """Tiles of a task, uint8 RGB (H, W, 3); None if the sample lacks the field."""

    truth: np.ndarray | None
    prediction: np.ndarray | None
    key: np.ndarray  # explanation of the colours


Field = PixelData | LabelData
#: Called with ground truth, prediction, the task's ``metainfo`` and the tile size (H, W) of a map.
Drawer = Callable[[Field | None, Field | None, dict[str, Any], tuple[int, int]], Drawing]


@part_of_kind("segmentation", "drawer")
def draw_segmentation(
    truth: PixelData | None, prediction: PixelData | None, entry: dict, size: tuple[int, int]
) -> Drawing:
    """Draw labels in the palette's colours, unlabelled pixels white; the key names their classes.

    Raises:
        ValueError: A label is neither a class nor the ignore index; or the number of colours
            differs from that of the classes.
    """
    names, ignore_index = entry["classes"], entry.get("ignore_index", 255)
    palette = np.array(entry["palette"], dtype=np.uint8)  # (num_classes, 3)
    if len(palette) != len(names):
        raise ValueError(f"{len(palette)} colours in the palette for {len(names)} classes")
    tiles, present = [], set()
    for labels in map(_array, (truth, prediction)):
        if labels is None:
            tiles.append(None)
            continue
        labels = labels[0]  # (H, W)
        labelled = labels != ignore_index
        present.update(np.unique(labels).tolist())
        unknown = sorted(present - set(range(len(names))) - {ignore_index})
        if unknown:
            raise ValueError(f"labels {unknown[:10]} are outside the {len(names)} classes")
        tile = canvas.blank(*labels.shape, UNLABELLED)
        tile[labelled] = palette[labels[labelled]]
        tiles.append(canvas.resize(tile, size))
    key = [(names[label], palette[label]) for label in sorted(present - {ignore_index})]
    if ignore_index in present:
        key.append(("unlabelled", UNLABELLED))
    return Drawing(*tiles, canvas.legend(key, size[0]))


@part_of_kind("depth", "drawer")
def draw_depth(
    truth: PixelData | None, prediction: PixelData | None, entry: dict, size: tuple[int, int]
) -> Drawing:
    """Draw depth in metres in colours of one scale for both maps; missing pixels (0) black.

    The scale spans the depths of the ground truth (of the prediction if there is none), so that
    outliers of a prediction do not compress it; depths outside take the colour of the nearer end.
    """
    maps = [None if array is None else array[0] for array in map(_array, (truth, prediction))]
    valid = [None if depth is None else np.isfinite(depth) & (depth > 0) for depth in maps]
    ranges = [
        (float(depth[mask].min()), float(depth[mask].max()))
        for depth, mask in zip(maps, valid, strict=True)
        if depth is not None and mask is not None and mask.any()
    ]
    low, high = ranges[0] if ranges else (0.0, 1.0)
    clipped_low = any(lowest < low for lowest, _ in ranges)
    clipped_high = any(highest > high for _, highest in ranges)
    tiles = [
        None
        if depth is None or mask is None
        else canvas.resize(scale_tile(depth, mask, low, high), size)
        for depth, mask in zip(maps, valid, strict=True)
    ]
    ends = ("≤ " if clipped_low else "", "≥ " if clipped_high else "")
    key = [[scale_bar(low, high, ends, max(size[0] - 24, 120))]]
    if any(mask is not None and not mask.all() for mask in valid):
        key.append([canvas.legend([("missing", MISSING)], size[0])])
    return Drawing(*tiles, canvas.grid(key, gap=4))


def scale_tile(depth: np.ndarray, valid: np.ndarray, low: float, high: float) -> np.ndarray:
    """Draw numbers (H, W) in the colours of depth from ``low`` to ``high``; invalid ones black."""
    tile = canvas.blank(*depth.shape, MISSING)
    share = (depth[valid] - low) / max(high - low, 1e-6)
    tile[valid] = DEPTH_COLOURS[(share.clip(0, 1) * 255).round().astype(int)]
    return tile


def scale_bar(
    low: float, high: float, ends: tuple[str, str], height: int, unit: str = " m"
) -> np.ndarray:
    """Draw the depth colours, the largest on top, and five numbers; ``ends`` prefix the outer."""
    signs = (ends[0], "", "", "", ends[1])
    depths = np.linspace(low, high, 5)
    labels = [canvas.text(f"{s}{d:.2f}{unit}") for s, d in zip(signs, depths, strict=True)]
    line = labels[0].shape[0]
    length = height - line  # the outer labels extend half a line beyond the bar
    shades = (np.linspace(1, 0, length) * 255).round().astype(int)
    tile = canvas.blank(height, 26 + max(label.shape[1] for label in labels))
    tile[line // 2 : line // 2 + length, :18] = DEPTH_COLOURS[shades][:, None]
    for top, label in zip(np.linspace(length - 1, 0, 5).round().astype(int), labels, strict=True):
        tile[top + line // 2, 18:23] = canvas.INK
        tile[top : top + line, 26 : 26 + label.shape[1]] = label
    return tile


@part_of_kind("normals", "drawer")
def draw_normals(
    truth: PixelData | None, prediction: PixelData | None, entry: dict, size: tuple[int, int]
) -> Drawing:
    """Draw unit normals (x right, y down, z forward) as colours (n + 1) / 2; missing is black."""
    tiles = []
    missing = False
    for normals in map(_array, (truth, prediction)):
        if normals is None:
            tiles.append(None)
            continue
        tile = _normal_colours(normals)
        missing |= bool((normals == 0).all(0).any())
        tiles.append(canvas.resize(tile, size))
    key = [[_normal_ball(120)]]
    key += [[canvas.text("the colours of a ball")], [canvas.text("seen by the camera")]]
    if missing:
        key.append([canvas.legend([("missing", MISSING)], size[0])])
    return Drawing(*tiles, canvas.grid(key))


@part_of_kind("pixels", "drawer")
def draw_pixels(
    truth: PixelData | None, prediction: PixelData | None, entry: dict, size: tuple[int, int]
) -> Drawing:
    """Draw colours in 0 … 1, in the order of channels BGR; what is not asked for (NaN) is black."""
    tiles = []
    for colours in map(_array, (truth, prediction)):
        if colours is None:
            tiles.append(None)
            continue
        values = (np.nan_to_num(colours) * 255).round().clip(0, 255).astype(np.uint8)
        tiles.append(canvas.resize(np.ascontiguousarray(values[::-1].transpose(1, 2, 0)), size))
    return Drawing(*tiles, canvas.blank(1, 1))


def _normal_colours(normals: np.ndarray) -> np.ndarray:
    """Convert normals (3, H, W) to colours, uint8 (H, W, 3)."""
    colours = ((normals + 1) / 2 * 255).round().clip(0, 255)
    colours[:, (normals == 0).all(0)] = 0
    return colours.transpose(1, 2, 0).astype(np.uint8)


def _normal_ball(diameter: int) -> np.ndarray:
    axis = (np.arange(diameter) + 0.5) / diameter * 2 - 1
    x, y = np.meshgrid(axis, axis)
    inside = x**2 + y**2 < 1
    z = -np.sqrt(np.where(inside, 1 - x**2 - y**2, 0))  # towards the camera
    ball = _normal_colours(np.stack([x, y, z]))
    ball[~inside] = 255
    return ball


def _array(field: PixelData | None) -> np.ndarray | None:
    """Return the map (C, H, W) of a field as an array."""
    if field is None:
        return None
    data = field.get("data").detach().cpu()
    return (data.float() if data.is_floating_point() else data).numpy()  # NumPy has no bfloat16
