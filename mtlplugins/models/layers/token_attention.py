"""Attention between all tokens of an image, with the task's own addition to the logits."""

from __future__ import annotations

import torch
from mmpretrain.models.utils import MultiheadAttention
from torch import Tensor
from torch.nn import functional as F

from .attention import attention


def resize_row_blocks(matrix: Tensor, size: tuple[int, int], new_size: tuple[int, int]) -> Tensor:
    """Bring ``M(z)`` with one block per row of tokens to another grid of tokens.

    The blocks of all rows make a volume over row, column of the query and column of the key, which
    is interpolated linearly, as position embeddings are over rows and columns. So a token still
    attends more or less to the same part of its own row.

    Args:
        matrix: (T, h·w, h·w), 0 outside the h blocks (w, w) on its diagonal.
        size: The grid's height h and width w.
        new_size: Height h' and width w' of the other grid.

    Returns:
        (T, h'·w', h'·w'), 0 outside the h' blocks (w', w') on its diagonal.
    """
    if new_size == size:
        return matrix
    height, width = new_size
    blocks = matrix.unflatten(2, size).unflatten(1, size).diagonal(dim1=1, dim2=3)  # (T, w, w, h)
    blocks = blocks.permute(0, 3, 1, 2)[None]  # (1, T, h, w, w)
    blocks = F.interpolate(
        blocks, size=(height, width, width), mode="trilinear", align_corners=False
    )
    diagonal = torch.eye(height, dtype=blocks.dtype, device=blocks.device)
    blocks = blocks[0, :, :, :, None] * diagonal[:, None, :, None]  # (T, h', w', h', w')
    return blocks.flatten(3, 4).flatten(1, 2)


def token_attention(msa: MultiheadAttention, x: Tensor, bias: Tensor) -> Tensor:
    """Do what ``msa`` does, with an addition to its logits.

    Args:
        msa: Holds the weights.
        x: (R, L, C).
        bias: Added to the logits of all heads (R, L, L).

    Returns:
        (R, L, C).
    """
    qkv = msa.qkv(x).unflatten(-1, (3, msa.num_heads, msa.head_dims))
    query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (R, heads, L, d) each
    attended = attention(
        query,
        key,
        value,
        bias=bias[:, None].to(query.dtype),
        dropout=msa.attn_drop if msa.training else 0.0,
    )
    attended = msa.proj(attended.transpose(1, 2).flatten(2))
    return msa.out_drop(msa.gamma1(msa.proj_drop(attended)))
