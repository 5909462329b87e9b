"""Window attention: self-attention inside windows of tokens."""

from __future__ import annotations

from typing import cast

import torch
from mmseg.models.backbones.swin import WindowMSA
from torch import Tensor, nn

from mtlplugins.models.conditioning import Condition

from .attention import attention
from .window_kernel import fits_kernel, window_kernel
from .windows import Windows


def attend(
    msa: WindowMSA,
    qkv: Tensor,
    matrix: Tensor | None,
    shifted: Windows | None,
    condition: Condition | None,
) -> Tensor:
    """Compute multi-head self-attention inside each window, without its two linear layers.

    Args:
        msa: Window attention layer.
        qkv: Queries, keys and values (R, nW, N, 3·C).
        matrix: ``M(z)`` (T, N, N), or None without conditional attention.
        shifted: The windows, if they are shifted; None for plain ones.
        condition: The rows' tasks; only read with a matrix.

    Returns:
        Output of the heads (R, nW, N, C).
    """
    dropout = msa.attn_drop.p if msa.training else 0.0
    kernel = window_kernel(qkv.device) if fits_kernel(qkv, msa.num_heads, dropout) else None
    if kernel is None:
        bias = attention_bias(msa, matrix, None if shifted is None else shifted.mask)
        return window_attention(msa, qkv, bias, condition)
    tasks = None
    if matrix is not None:
        assert condition is not None  # encoders check it
        tasks = condition.task_index
    region = None if shifted is None else shifted.region
    return kernel(msa, qkv, matrix=matrix, task_index=tasks, region=region)


def attention_bias(msa: WindowMSA, matrix: Tensor | None, mask: Tensor | None) -> Tensor:
    """Compute the bias of the attention logits: position bias + M(z) + shift mask.

    Args:
        msa: Window attention layer with the table of relative position biases.
        matrix: ``M(z)`` (T, N, N), or None without conditional attention.
        mask: Shift mask (nW, 1, N, N), or None in an unshifted block.

    Returns:
        (T or 1, nW or 1, heads, N, N).
    """
    tokens = msa.window_size[0] * msa.window_size[1]
    index = _position_index(msa)
    bias = msa.relative_position_bias_table[index].view(tokens, tokens, -1).permute(2, 0, 1)
    bias = bias[None, None]  # (1, 1, heads, N, N)
    if matrix is not None:
        bias = bias + matrix[:, None, None]
    if mask is not None:
        bias = bias + mask
    return bias


@torch.no_grad()
def fold_into_bias(msa: WindowMSA, matrix: Tensor) -> None:
    """Fold ``M(z)`` (N, N) of one task into the position bias of ``msa``.

    ``M(z)`` depends on the pair of tokens, not on their offset, so the table gets one row per pair:
    (N², heads) in place of ((2·w - 1)², heads). Code that reads it through its index is unaffected.
    """
    index = _position_index(msa)
    table = msa.relative_position_bias_table[index] + matrix.reshape(-1, 1)
    msa.relative_position_bias_table = nn.Parameter(table)
    msa.relative_position_index = torch.arange(len(table), device=index.device).view(matrix.shape)


def window_attention(
    msa: WindowMSA, qkv: Tensor, bias: Tensor, condition: Condition | None
) -> Tensor:
    """Compute multi-head self-attention inside each window, without its two linear layers.

    Args:
        msa: Window attention layer, for the number of heads, the scale and the dropout.
        qkv: Queries, keys and values (R, nW, N, 3·C).
        bias: Result of :func:`attention_bias`.
        condition: Selects the bias of each row among T biases; not read if T is 1.

    Returns:
        Output of the heads (R, nW, N, C).
    """
    shape = (*qkv.shape[:-1], -1)
    if len(bias) > 1:
        assert condition is not None  # encoders check it
        qkv, bias = condition.pair(qkv, bias)
    qkv = qkv.unflatten(-1, (3, msa.num_heads, -1))  # (..., N, 3, heads, d)
    query, key, value = (x.transpose(-3, -2) for x in qkv.unbind(-3))  # (..., heads, N, d) each
    dropout = msa.attn_drop.p if msa.training else 0.0
    out = attention(query, key, value, bias=bias, scale=msa.scale, dropout=dropout)
    return out.transpose(-3, -2).reshape(shape)


def _position_index(msa: WindowMSA) -> Tensor:
    """Return the row in the position bias table of each pair of tokens (N²,)."""
    return cast("Tensor", msa.relative_position_index).flatten()
