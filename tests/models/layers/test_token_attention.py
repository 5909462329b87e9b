from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mtlplugins.models.layers import resize_row_blocks


def from_blocks(blocks: Tensor) -> Tensor:
    """M (1, h·w, h·w) from its blocks (h, w, w)."""
    return torch.block_diag(*blocks)[None]


def centres(count: int) -> Tensor:
    """Where tokens lie when their row or column has length 1."""
    return (torch.arange(count, dtype=torch.float64) + 0.5) / count


def plane(height: int, width: int) -> Tensor:
    """Blocks that grow linearly with row, query's column and key's column."""
    row, column = centres(height), centres(width)
    return 2 * row[:, None, None] + 3 * column[:, None] - 5 * column


@pytest.mark.parametrize("size", [(4, 3), (1, 4), (3, 2)])
def test_the_own_grid_changes_nothing(size: tuple[int, int]):
    matrix = torch.randn(2, size[0] * size[1], size[0] * size[1])
    assert torch.equal(resize_row_blocks(matrix, size, size), matrix)


@pytest.mark.parametrize("new", [(8, 8), (4, 8), (8, 4), (6, 5), (5, 11)])
def test_a_linear_matrix_stays_linear(new: tuple[int, int]):
    size = (4, 4)
    resized = resize_row_blocks(from_blocks(plane(*size)), size, new)
    wanted = from_blocks(plane(*new))
    assert resized.shape == wanted.shape
    inner = [
        torch.tensor([0.125 <= c <= 0.875 for c in centres(n)])  # beyond, the edge is repeated
        for n in new
    ]
    inside = from_blocks((inner[0][:, None, None] & inner[1][:, None] & inner[1]).double()) > 0
    assert inside.sum() >= new[0] * new[1]
    torch.testing.assert_close(resized[inside], wanted[inside])
    outside = from_blocks(torch.ones(new[0], new[1], new[1])) == 0
    assert (resized[outside] == 0).all()


def test_each_task_is_resized_by_itself():
    first, second = (from_blocks(torch.randn(3, 4, 4)) for _ in range(2))
    both = resize_row_blocks(torch.cat([first, second]), (3, 4), (5, 2))
    alone = [resize_row_blocks(m, (3, 4), (5, 2)) for m in (first, second)]
    torch.testing.assert_close(both, torch.cat(alone))


def test_doubling_the_rows_by_hand():
    blocks = torch.tensor([[[0.0]], [[4.0]]])  # two rows of one token
    resized = resize_row_blocks(from_blocks(blocks), (2, 1), (4, 1))
    # new centres at 1/8, 3/8, 5/8, 7/8 between old ones at 1/4 and 3/4
    torch.testing.assert_close(resized[0], torch.diag(torch.tensor([0.0, 1.0, 3.0, 4.0])))
