"""Drawer of numbers per pixel: one scale, directions, or the first three as colours."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from mmengine.structures import PixelData

from mtlplugins.kinds import part_of_kind

from . import canvas
from .drawers import MISSING, Drawing, scale_bar, scale_tile

_PEAK = 0.5  # heat maps of points below this have none


@part_of_kind("values", "drawer")
def draw_values(
    truth: PixelData | None, prediction: PixelData | None, entry: dict[str, Any], size: tuple
) -> Drawing:
    """Draw values in colours of one scale for both maps; missing pixels are black.

    One value as depth is; two as directions (hue) and lengths (saturation); the first three of more
    as red, green and blue. The scale is that of the ground truth, or else of the prediction.
    """
    maps = [
        None if field is None else field.get("data").detach().float().cpu().numpy()
        for field in (truth, prediction)
    ]
    found = [(m, np.isfinite(m).all(axis=0)) for m in maps if m is not None]
    scales = [m[:, known] for m, known in found if known.any()]
    first = scales[0] if scales else np.zeros((len(found[0][0]), 1))
    drawn = iter([canvas.resize(_tile(np.nan_to_num(m), k, first), size) for m, k in found])
    tiles = [None if m is None else next(drawn) for m in maps]
    unit = f" {entry['unit']}" if entry.get("unit") else ""
    names = entry.get("names") or ()
    if len(first) == 1:
        low, high = float(first.min()), float(first.max())
        key = [[scale_bar(low, high, ("", ""), max(size[0] - 24, 120), unit)]]
    elif len(first) == 2:
        longest = float(np.linalg.norm(first, axis=0).max())
        key = [[_wheel(100)], [canvas.text(f"rim: {longest:.4g}{unit}")]]
    else:
        colours = zip(("red", "green", "blue"), names, first, strict=False)
        key = [
            [canvas.text(f"{colour}: {name}, {v.min():.3g} to {v.max():.3g}{unit}")]
            for colour, name, v in colours
        ]
    if not all(known.all() for _, known in found):
        key.append([canvas.legend([("missing", MISSING)], size[0])])
    return Drawing(*tiles, canvas.grid(key, gap=4))


@part_of_kind("keypoints", "drawer")
def draw_keypoints(
    truth: PixelData | None, prediction: PixelData | None, entry: dict[str, Any], size: tuple
) -> Drawing:
    """Draw the highest of the heat maps at each pixel, and the highest place of each as a cross."""
    tiles: list[np.ndarray | None] = []
    for field in (truth, prediction):
        if field is None:
            tiles.append(None)
            continue
        heat = np.nan_to_num(field.get("data").detach().float().cpu().numpy())
        tile = canvas.resize(
            scale_tile(heat.max(axis=0), np.ones(heat.shape[1:], bool), 0, 1), size
        )
        for one in heat:
            if one.max() >= _PEAK:
                row, column = np.unravel_index(one.argmax(), one.shape)
                place = round(column * size[1] / one.shape[1]), round(row * size[0] / one.shape[0])
                cv2.drawMarker(tile, place, (255, 255, 255), cv2.MARKER_CROSS, 9)
        tiles.append(tile)
    return Drawing(*tiles, scale_bar(0, 1, ("", ""), max(size[0] - 24, 120), ""))


def _tile(values: np.ndarray, known: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Draw values (K, H, W) in the scale of others (K, N)."""
    low, high = first.min(axis=1), first.max(axis=1)
    if len(values) == 1:
        return scale_tile(values[0], known, float(low[0]), float(high[0]))
    if len(values) == 2:
        longest = max(float(np.linalg.norm(first, axis=0).max()), 1e-6)
        return _directions(values / longest) * known[..., None].astype(np.uint8)
    shares = (values[:3] - low[:3, None, None]) / np.maximum(high - low, 1e-6)[:3, None, None]
    tile = (shares.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0)
    return tile * known[..., None].astype(np.uint8)


def _directions(vectors: np.ndarray) -> np.ndarray:
    """Colour vectors (2, H, W) of length up to 1: the hue is the direction, white is 0."""
    angle = np.rad2deg(np.arctan2(vectors[1], vectors[0])) % 360
    length = np.linalg.norm(vectors, axis=0).clip(0, 1)
    hsv = np.stack([angle, length, np.ones_like(angle)], axis=-1).astype(np.float32)
    return (cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255).round().astype(np.uint8)


def _wheel(diameter: int) -> np.ndarray:
    axis = (np.arange(diameter) + 0.5) / diameter * 2 - 1
    vectors = np.stack(np.meshgrid(axis, axis))
    wheel = _directions(vectors)
    wheel[np.linalg.norm(vectors, axis=0) > 1] = 255
    return wheel
