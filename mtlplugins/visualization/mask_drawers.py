"""Drawers of binary masks and edges."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.structures import PixelData

from mtlplugins.kinds import part_of_kind

from . import canvas
from .drawers import Drawing

UNKNOWN = (90, 60, 120)  # violet: no shade between black and white
_NONE = 255


@part_of_kind("mask", "drawer")
@part_of_kind("edges", "drawer")
def draw_mask(
    truth: PixelData | None, prediction: PixelData | None, entry: dict[str, Any], size: tuple
) -> Drawing:
    """Draw masks and probabilities from black (0) to white (1), unlabelled pixels violet."""
    tiles: list[np.ndarray | None] = [None, None]
    unknown = False
    if truth is not None:
        mask = truth.get("data")[0].cpu().numpy()
        missing = mask == _NONE
        tile = np.repeat((mask * 255)[..., None], 3, axis=2).astype(np.uint8)
        tile[missing], unknown = UNKNOWN, bool(missing.any())
        tiles[0] = canvas.resize(tile, size)
    if prediction is not None:
        shares = prediction.get("data")[0].detach().float().cpu().numpy()
        grey = (shares.clip(0, 1) * 255).round().astype(np.uint8)
        tiles[1] = canvas.resize(np.repeat(grey[..., None], 3, axis=2), size)
    names = entry.get("names") or ("0", "1")
    key = [(names[1], (255, 255, 255)), (names[0], (0, 0, 0))]
    if unknown:
        key.append(("unlabelled", UNKNOWN))
    return Drawing(*tiles, canvas.legend(key, size[0]))
