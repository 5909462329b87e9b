"""Conditional attention: a task-dependent term added to the attention logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .film import FiLM
from .module import ConditionalModule


class ConditionalAttention(ConditionalModule):
    """Block-diagonal attention matrix ``M(z)``, added to the logits before the softmax.

    ``softmax(M(z) + QKᵀ/√d) V`` with blocks ``A'(z) = FiLM(A)`` on the diagonal (conditional
    attention of the thesis, section 3.2.1, after CA-MTL, section 2.1.1). FiLM acts on the last axis
    of ``A``; outside the blocks ``M`` is 0, not −∞. ``A`` and FiLM start at zero and identity, so
    ``M`` starts at 0.

    Args:
        tokens: Number of tokens N that attend to each other (Swin: 49 in a 7 × 7 window).
        block_size: Side L of a block (Swin: 7, one row of a window). If L does not divide N, the
            last block is cropped.
        embed_dims: Length of the task embedding.
    """

    place = "logits"
    frees_block = True

    def __init__(self, *, tokens: int, block_size: int, embed_dims: int) -> None:
        super().__init__()
        self.tokens = tokens
        blocks = -(-tokens // block_size)
        self.blocks = nn.Parameter(torch.zeros(blocks, block_size, block_size))
        self.film = FiLM(embed_dims, block_size)

    def reset_conditioning(self) -> None:
        """Reset to ``M(z) = 0``."""
        nn.init.zeros_(self.blocks)
        self.film.reset_parameters()

    def forward(self, z: Tensor) -> Tensor:
        """Compute ``M(z)``, shared by the attention heads: (T, embed_dims) to (T, N, N)."""
        scale, shift = self.film(z)  # (T, L)
        blocks = self.blocks * scale[:, None, None] + shift[:, None, None]  # (T, n, L, L)
        diagonal = torch.eye(len(self.blocks), dtype=blocks.dtype, device=blocks.device)
        matrix = blocks[:, :, :, None] * diagonal[:, None, :, None]  # (T, n, L, n, L)
        return matrix.flatten(3, 4).flatten(1, 2)[:, : self.tokens, : self.tokens]
