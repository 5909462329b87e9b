"""Interpolation of learned positions to another grid or window."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def resize_positions(given: Tensor, grid: tuple[int, int], extra: int) -> Tensor:
    """Interpolate position embeddings bicubically.

    Args:
        given: (1, extra + s², C), of a square grid of patches.
        grid: Height and width of the wanted grid.
        extra: Number of tokens before the patches, whose embeddings stay.

    Returns:
        (1, extra + height · width, C); ``given`` if its grid is no square.
    """
    side = round((given.shape[1] - extra) ** 0.5)
    if side**2 != given.shape[1] - extra or (side, side) == tuple(grid):
        return given
    patches = given[:, extra:].transpose(1, 2).unflatten(2, (side, side))
    patches = interpolate(patches, size=tuple(grid), mode="bicubic").flatten(2).transpose(1, 2)
    return torch.cat([given[:, :extra], patches], dim=1)


def resize_bias_table(given: Tensor, rows: int) -> Tensor:
    """Interpolate a table of relative position biases bicubically to another window.

    Args:
        given: ((2·w - 1)², heads).
        rows: Number of rows of the wanted table, a square too.

    Returns:
        (rows, heads).
    """
    old, new = round(len(given) ** 0.5), round(rows**0.5)
    grid = given.T.reshape(1, -1, old, old)
    return interpolate(grid, size=(new, new), mode="bicubic").reshape(-1, new * new).T
