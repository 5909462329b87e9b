"""Thinning of binary maps to lines of one pixel."""

from __future__ import annotations

import cv2
import numpy as np

# Bits of the neighbours x1 … x8 of Lam et al., from the east counter-clockwise, in a 3 x 3 kernel.
_BITS = np.array([[8, 4, 2], [16, 0, 1], [32, 64, 128]], np.float32)


def _table(first: bool) -> np.ndarray:
    """Say for each of the 256 neighbourhoods whether the pixel goes in this half of a round."""
    x = ((np.arange(256)[:, None] >> np.arange(8)) & 1).astype(bool).T  # x[i] is x_{i + 1}
    odd, even, after = x[0::2], x[1::2], x[[2, 4, 6, 0]]
    crossings = (~odd & (even | after)).sum(0)
    pairs = np.minimum((odd | even).sum(0), (even | after).sum(0))
    side = (x[1] | x[2] | ~x[7]) & x[0] if first else (x[5] | x[6] | ~x[3]) & x[4]
    return (crossings == 1) & (pairs >= 2) & (pairs <= 3) & ~side


_TABLES = (_table(True), _table(False))


def thin(mask: np.ndarray) -> np.ndarray:
    """Thin a boolean map (H, W) to lines, by the parallel algorithm of Guo and Hall (1989).

    In the form of Lam, Lee and Suen (1992, p. 879), which is that of MATLAB's ``bwmorph``: pixels
    go in two halves of a round until none does. The number of connected parts (8 neighbours) stays.
    """
    thinned = np.ascontiguousarray(mask, np.uint8)
    changes = True
    while changes:
        changes = False
        for table in _TABLES:
            around = cv2.filter2D(thinned, cv2.CV_8U, _BITS, borderType=cv2.BORDER_CONSTANT)
            gone = table[np.asarray(around, np.uint8)] & (thinned != 0)
            if gone.any():
                changes = True
                thinned[gone] = 0
    return thinned != 0
