"""Colours for classes without a palette."""

from __future__ import annotations

import numpy as np


def distinct_colours(count: int) -> list[list[int]]:
    """Return ``count`` distinct RGB colours, deterministic: hues a golden angle apart."""
    hues = np.arange(count) * 0.618034 % 1
    value = 0.95 - 0.4 * (np.arange(count) // 3 % 3) / 2
    ramps = np.abs((hues[:, None] * 6 + np.array([0, 4, 2])) % 6 - 3) - 1
    rgb = value[:, None] * (1 - 0.7 * (1 - np.clip(ramps, 0, 1)))
    return np.rint(255 * rgb).astype(int).tolist()
