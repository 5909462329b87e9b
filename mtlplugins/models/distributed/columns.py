"""Division of the columns of a matrix among processes, each row averaged over them."""

from __future__ import annotations

import torch
import torch.distributed as dist
from mmengine.dist import get_world_size
from torch import Tensor


def columns_per_process(size: int) -> int:
    """Return how many of ``size`` columns each process has, the last ones perhaps of zeros."""
    return -(-size // get_world_size())


def scatter_mean(row: Tensor, own: Tensor) -> None:
    """Average a row over processes, of which each one receives its own columns.

    Args:
        row: This process's row (columns_per_process · processes,).
        own: Where its columns of the mean go (columns_per_process,).
    """
    if get_world_size() == 1:
        own.copy_(row)
        return
    dist.reduce_scatter_tensor(own, row)
    own /= get_world_size()


def gather(own: Tensor) -> Tensor:
    """Put the columns of all processes together, (columns_per_process · processes,)."""
    if get_world_size() == 1:
        return own
    whole = torch.empty(len(own) * get_world_size(), dtype=own.dtype, device=own.device)
    dist.all_gather_into_tensor(whole, own)
    return whole
