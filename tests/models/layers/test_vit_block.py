from __future__ import annotations

from math import sqrt

import pytest
import torch
from torch import Tensor

from mtlplugins.models.conditioning import Condition
from mtlplugins.models.layers import CondViTBlock
from tests.models._models import make_condition, perturb

ALL = ("attention", "norm", "adapter")


def make_block(
    carries: tuple[str, ...] = ALL, *, attention_block_size: int | None = None, **settings
) -> CondViTBlock:
    block = CondViTBlock(6, 2, 10, **settings).eval()
    modules: dict[str, dict] = {name: {} for name in carries}
    block.attach(modules, embed_dims=8, grid=(3, 4), attention_block_size=attention_block_size)
    perturb(block.parameters(), std=0.5)
    return block


def block_matrix(block: CondViTBlock, z: Tensor, side: int, tokens: int, extra: int) -> Tensor:
    """M(z) of one task, entry by entry: FiLM on the last axis of A, 0 outside the blocks."""
    module = block.conditional_attention
    film = module.film.generator(z)
    matrix = torch.zeros(extra + tokens, extra + tokens, dtype=z.dtype)
    for i in range(tokens):
        for j in range(tokens):
            if i // side == j // side:
                value = module.blocks[i // side, i % side, j % side]
                matrix[extra + i, extra + j] = value * (1 + film[j % side]) + film[side + j % side]
    return matrix


def attend(block: CondViTBlock, x: Tensor, matrix: Tensor) -> Tensor:
    """Attention of one row (L, C), head by head, in plain numbers."""
    msa = block.attn
    q, k, v = msa.qkv(x).view(len(x), 3, msa.num_heads, -1).unbind(1)
    heads = []
    for head in range(msa.num_heads):
        weights = (q[:, head] @ k[:, head].T / sqrt(q.shape[-1]) + matrix).exp()
        heads.append(weights / weights.sum(dim=1, keepdim=True) @ v[:, head])
    return msa.proj(torch.cat(heads, dim=1))


def transform(block: CondViTBlock, x: Tensor, condition: Condition, side: int, extra: int):
    tokens = x.shape[1] - extra
    matrices = [block_matrix(block, z, side, tokens, extra) for z in condition.z]
    y = block.ln1(x, condition)
    rows = [attend(block, row, matrices[t]) for row, t in zip(y, condition.task_index, strict=True)]
    y = x + torch.stack(rows)
    up, down = block.ffn.layers[0][0], block.ffn.layers[1]
    hidden = up(block.ln2(y, condition))
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / sqrt(2)))
    return y + down(hidden) + block.conditional_adapter(x, condition)


@pytest.mark.parametrize(
    ("extra", "block_size"), [(0, None), (1, None), (2, None), (1, 3), (1, 5), (1, 20)]
)
def test_block_in_plain_numbers(extra: int, block_size: int | None):
    block = make_block(attention_block_size=block_size).double()
    condition = make_condition({0: [0, 1], 4: [0]})
    condition = Condition(condition.z.double(), *list(vars(condition).values())[1:])
    x = torch.randn(3, extra + 12, 6, dtype=torch.float64)
    grads = []
    for run in (
        lambda: block(x, (3, 4), condition),
        lambda: transform(block, x, condition, block_size or 4, extra),
    ):
        block.zero_grad()
        out = run()
        (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
        grads.append((out, {n: p.grad.clone() for n, p in block.named_parameters()}))
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-10, atol=1e-10)
    assert grads[0][1]["conditional_attention.blocks"].abs().max() > 1e-3


@pytest.mark.parametrize("grid", [(6, 8), (2, 5)])
def test_other_grids_take_the_interpolated_matrix(grid: tuple[int, int]):
    block = make_block(("attention",))
    with torch.no_grad():
        # the same number in all blocks is the same number at every size
        block.conditional_attention.blocks.fill_(1.7)
        block.conditional_attention.film.reset_parameters()
        x = torch.randn(2, 1 + grid[0] * grid[1], 6)
        out = block(x, grid, make_condition({0: [0], 1: [0]}))
        rows = torch.block_diag(*torch.full((grid[0], grid[1], grid[1]), 1.7))
        matrix = torch.nn.functional.pad(rows, (1, 0, 1, 0))
        y = x + torch.stack([attend(block, row, matrix) for row in block.ln1(x)])
        wanted = block.ffn(block.ln2(y), identity=y)
        torch.testing.assert_close(out, wanted, rtol=1e-5, atol=1e-5)


def test_blocks_of_a_fixed_size_are_tied_to_the_grid():
    block = make_block(("attention",), attention_block_size=6)
    message = r"blocks of 6 tokens.* the 3 x 4 patches of img_size.*have 2 x 5: .*img_size.*leave"
    with pytest.raises(ValueError, match=message):
        block(torch.randn(1, 11, 6), (2, 5), make_condition({0: [0]}))


def test_attention_dropout_in_training_only():
    block = make_block(("attention",), attn_drop_rate=0.5)
    x, condition = torch.randn(1, 13, 6), make_condition({0: [0]})
    assert torch.equal(block(x, (3, 4), condition), block(x, (3, 4), condition))
    block.train()
    assert not torch.equal(block(x, (3, 4), condition), block(x, (3, 4), condition))
