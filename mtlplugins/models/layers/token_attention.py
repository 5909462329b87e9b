"""Self-attention between all tokens of an image, with a task-dependent logit bias."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from mmpretrain.models.utils import MultiheadAttention
from torch import Tensor
from torch.nn import functional as F

from .attention import attention

Memory = Callable[[Tensor], Tensor]


def resize_row_blocks(matrix: Tensor, size: tuple[int, int], new_size: tuple[int, int]) -> Tensor:
    """Interpolate ``M(z)`` with one block per row of tokens to another grid of tokens.

    The blocks form a volume over the row, the query's column and the key's column. It is
    interpolated linearly, as position embeddings are over rows and columns, so a token still
    attends more or less to the same part of its own row.

    Args:
        matrix: (T, h·w, h·w), 0 outside the h blocks (w, w) on its diagonal.
        size: Height h and width w of the grid.
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


def token_attention(
    msa: MultiheadAttention, qkv: Tensor, bias: Tensor | None, memory: Iterable[Memory] = ()
) -> Tensor:
    """Compute the attention of ``msa`` between its two linear layers, with task-dependent terms.

    Args:
        msa: Attention layer, for the number of heads and the dropout.
        qkv: Queries, keys and values (R, L, 3·C).
        bias: Added to the logits of all heads (R, L, L).
        memory: Functions of the queries (R, heads, L, d) that are added to the attended values.

    Returns:
        Output of the heads (R, L, C).
    """
    qkv = qkv.unflatten(-1, (3, msa.num_heads, msa.head_dims))
    query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (R, heads, L, d) each
    attended = attention(
        query,
        key,
        value,
        bias=None if bias is None else bias[:, None].to(query.dtype),
        dropout=msa.attn_drop if msa.training else 0.0,
    )
    for read in memory:
        attended = attended + read(query)
    return attended.transpose(1, 2).flatten(2)
