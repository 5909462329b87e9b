from __future__ import annotations

from math import sqrt

import pytest
import torch
from torch import Tensor

from mtlplugins.models.conditioning import Condition
from mtlplugins.models.layers import CondSwinBlock, Windows
from tests.models._models import make_condition, perturb


def same_region(a: int, b: int, side: int, shift: int) -> bool:
    """Whether two places of a rolled map were rolled around its edge both or neither."""
    return (a + shift >= side) == (b + shift >= side)


def attend(block: CondSwinBlock, x: Tensor, matrix: Tensor, size: tuple[int, int]) -> Tensor:
    """Shifted window attention of one row (H, W, C), token by token, in plain numbers."""
    msa, window, shift = block.attn.w_msa, block.attn.window_size, block.attn.shift_size
    height, width = (-(-side // window) * window for side in size)
    rolled = torch.zeros(height, width, x.shape[-1], dtype=x.dtype)
    rolled[: size[0], : size[1]] = x
    rolled = rolled.roll((-shift, -shift), dims=(0, 1))
    q, k, v = msa.qkv(rolled).view(height, width, 3, msa.num_heads, -1).unbind(2)
    out = torch.zeros_like(rolled).view(height, width, msa.num_heads, -1)
    places = [(y, x) for y in range(height) for x in range(width)]
    for y, x_ in places:
        top, left = y // window * window, x_ // window * window
        keys = [
            (top + i, left + j)
            for i in range(window)
            for j in range(window)
            if not shift
            or (same_region(y, top + i, height, shift) and same_region(x_, left + j, width, shift))
        ]
        for head in range(msa.num_heads):
            logits = []
            for ky, kx in keys:
                table = (y - ky + window - 1) * (2 * window - 1) + x_ - kx + window - 1
                here = (y - top) * window + x_ - left
                there = (ky - top) * window + kx - left
                logits.append(
                    q[y, x_, head] @ k[ky, kx, head] / sqrt(q.shape[-1])
                    + msa.relative_position_bias_table[table, head]
                    + matrix[here, there]
                )
            weights = torch.stack(logits).exp()
            weights = weights / weights.sum()
            out[y, x_, head] = sum(
                w * v[ky, kx, head] for w, (ky, kx) in zip(weights, keys, strict=True)
            )
    out = msa.proj(out.flatten(2)).roll((shift, shift), dims=(0, 1))
    return out[: size[0], : size[1]]


def transform(block: CondSwinBlock, x: Tensor, condition: Condition, size: tuple[int, int]):
    """The block of design section 5, row by row."""
    matrices = block.conditional_attention(condition.z)
    adapted = block.conditional_adapter(x, condition)
    y = block.norm1(x, condition).unflatten(1, size)
    rows = [
        attend(block, row, matrices[task], size).flatten(0, 1)
        for row, task in zip(y, condition.task_index, strict=True)
    ]
    y = x + torch.stack(rows)
    up, down = block.ffn.layers[0][0], block.ffn.layers[1]
    hidden = up(block.norm2(y, condition))
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / sqrt(2)))
    return y + down(hidden) + adapted


@pytest.mark.parametrize("shift", [False, True], ids=["plain", "shifted"])
@pytest.mark.parametrize(
    ("window", "size"), [(2, (4, 4)), (3, (5, 4)), (4, (3, 2))], ids=["whole", "padded", "single"]
)
def test_block_against_loops(window: int, size: tuple[int, int], shift: bool):
    torch.manual_seed(0)
    block = CondSwinBlock(
        6,
        2,
        10,
        window_size=window,
        shift=shift,
    ).eval()
    block.attach({name: {} for name in ("attention", "norm", "adapter")}, embed_dims=8)
    perturb(block.parameters(), std=0.5)
    condition = make_condition({0: [0, 1], 4: [0]})
    with torch.no_grad():
        x = torch.randn(3, size[0] * size[1], 6)
        windows = Windows(size, window, x)
        out = block(windows.move(x, None, shift), windows, condition)
        out = windows.move(out, shift, None)
        torch.testing.assert_close(out, transform(block, x, condition, size), rtol=1e-4, atol=1e-5)


def test_drop_path_leaves_out_whole_rows():
    torch.manual_seed(0)
    block = CondSwinBlock(6, 2, 10, window_size=2, drop_path_rate=0.5)
    perturb(block.parameters(), std=0.5)
    x = torch.randn(1, 16, 6).expand(64, -1, -1)
    moved = (block(x, Windows((4, 4), 2, x)) - x).abs().amax(dim=(1, 2))
    kept = int((moved > 0).sum())
    assert 32 <= kept < 64  # a row stays as it is with probability 0.5² = 0.25
    outs = {round(value, 4) for value in moved.tolist()}
    assert len(outs) == 4  # neither branch, the first, the second, both
