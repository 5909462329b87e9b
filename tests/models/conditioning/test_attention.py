from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mtlplugins.models.conditioning import ConditionalAttention
from tests.models._models import perturb


def reference(module: ConditionalAttention, z: Tensor, tokens: int, side: int) -> Tensor:
    """M(z) of design section 5, entry by entry."""
    matrix = torch.zeros(len(z), tokens, tokens)
    generator = module.film.generator
    for t in range(len(z)):
        deltas = generator.weight @ z[t] + generator.bias
        for query in range(tokens):
            for key in range(tokens):
                block, row, column = query // side, query % side, key % side
                if key // side == block:
                    gamma, beta = deltas[column], deltas[side + column]
                    matrix[t, query, key] = (1 + gamma) * module.blocks[block, row, column] + beta
    return matrix


@pytest.mark.parametrize(
    ("tokens", "side"), [(16, 4), (49, 7), (10, 4), (5, 7)], ids=["16/4", "49/7", "cut", "one cut"]
)
def test_block_diagonal_matrix(tokens: int, side: int):
    module = ConditionalAttention(tokens=tokens, block_size=side, embed_dims=6)
    assert module.blocks.shape == (-(-tokens // side), side, side)
    perturb(module.parameters(), std=1.0)
    z = torch.randn(3, 6)
    matrix = module(z)
    assert matrix.shape == (3, tokens, tokens)
    torch.testing.assert_close(matrix, reference(module, z, tokens, side))
    index = torch.arange(tokens) // side
    assert (matrix[:, index[:, None] != index] == 0).all()
    assert (matrix[0] - matrix[1]).abs().max() > 0.1


def test_starts_and_resets_to_zero():
    module = ConditionalAttention(tokens=16, block_size=4, embed_dims=6)
    z = torch.randn(2, 6)
    assert (module(z) == 0).all()
    perturb(module.parameters())
    assert (module(z) != 0).any()
    module.reset_conditioning()
    assert (module(z) == 0).all()
