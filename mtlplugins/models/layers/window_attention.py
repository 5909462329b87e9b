"""Attention inside (shifted) windows of a token map."""

from __future__ import annotations

import torch
from mmseg.models.backbones.swin import WindowMSA
from torch import Tensor, nn
from torch.nn import functional as F

from mtlplugins.models.conditioning import Condition


def padded_size(size: tuple[int, int], window: int) -> tuple[int, int]:
    """Height and width rounded up to whole windows."""
    return tuple(side + -side % window for side in size)


def partition(x: Tensor, window: int) -> Tensor:
    """Cut a map of whole windows (R, H, W, C) into them: (R, nW, window², C)."""
    rows, height, width, channels = x.shape
    x = x.view(rows, height // window, window, width // window, window, channels)
    return x.transpose(2, 3).reshape(rows, -1, window * window, channels)


def unpartition(x: Tensor, size: tuple[int, int], window: int) -> Tensor:
    """Put windows back into a map: (R, nW, window², C) to (R, H, W, C)."""
    rows, channels = x.shape[0], x.shape[-1]
    height, width = size
    x = x.view(rows, height // window, width // window, window, window, channels)
    return x.transpose(2, 3).reshape(rows, height, width, channels)


def shift_mask(size: tuple[int, int], window: int, reference: Tensor) -> Tensor:
    """What may attend to what in windows shifted by half a window.

    −∞ and not −100 as in other implementations: exp(−100) is a denormal number, which slows the
    products that follow several times on a CPU.

    Args:
        size: Height and width of the map in tokens, before padding to whole windows.
        window: Side of a window.
        reference: A tensor whose device and dtype the mask takes.

    Returns:
        (nW, 1, window², window²): 0 inside a region of neighbours, −∞ across regions.
    """
    regions = []
    for side in padded_size(size, window):
        position = torch.arange(side, device=reference.device)
        regions.append((position >= side - window).int() + (position >= side - window // 2).int())
    region = 3 * regions[0][:, None] + regions[1]  # (H, W)
    region = partition(region[None, :, :, None], window)[0, :, :, 0]  # (nW, window²)
    mask = torch.zeros(1, device=reference.device, dtype=reference.dtype)
    mask = mask.masked_fill(region[:, :, None] != region[:, None, :], float("-inf"))
    return mask[:, None]


def attention_bias(msa: WindowMSA, matrix: Tensor | None, mask: Tensor | None) -> Tensor:
    """Sum all that is added to the attention logits: position bias + M(z) + shift mask.

    Args:
        msa: Holds the table of relative position biases.
        matrix: ``M(z)`` (T, N, N), or None without conditional attention.
        mask: Shift mask (nW, 1, N, N), or None in an unshifted block.

    Returns:
        (T or 1, nW or 1, heads, N, N).
    """
    tokens = msa.window_size[0] * msa.window_size[1]
    index = msa.relative_position_index.flatten()
    bias = msa.relative_position_bias_table[index].view(tokens, tokens, -1).permute(2, 0, 1)
    bias = bias[None, None]  # (1, 1, heads, N, N)
    if matrix is not None:
        bias = bias + matrix[:, None, None]
    if mask is not None:
        bias = bias + mask
    return bias


@torch.no_grad()
def fold_into_bias(msa: WindowMSA, matrix: Tensor) -> None:
    """Add ``M(z)`` (N, N) of one task to the position bias of ``msa``.

    ``M(z)`` is of pairs of tokens and not of their offsets, so the table gets a row for each pair:
    (N², heads) in place of ((2·w - 1)², heads). Nothing that reads it can tell.
    """
    index = msa.relative_position_index.flatten()
    table = msa.relative_position_bias_table[index] + matrix.reshape(-1, 1)
    msa.relative_position_bias_table = nn.Parameter(table)
    msa.relative_position_index = torch.arange(len(table), device=index.device).view(matrix.shape)


def window_attention(
    msa: WindowMSA, windows: Tensor, bias: Tensor, condition: Condition | None
) -> Tensor:
    """Multi-head self-attention inside each window.

    Args:
        msa: Holds the weights.
        windows: (R, nW, N, C).
        bias: What :func:`attention_bias` returns.
        condition: Tells which of the T biases a row takes; not read when T is 1.

    Returns:
        (R, nW, N, C).
    """
    rows, count, tokens, channels = windows.shape
    qkv = msa.qkv(windows).view(rows * count, tokens, 3, msa.num_heads, -1)
    query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (R·nW, heads, N, d) each
    logits = (query * msa.scale) @ key.transpose(-2, -1)
    logits = logits.unflatten(0, (rows, count))  # (R, nW, heads, N, N)
    logits = logits + bias if len(bias) == 1 else condition.add_per_task(logits, bias)
    weights = msa.attn_drop(logits.softmax(dim=-1)).flatten(0, 1)
    out = (weights @ value).transpose(1, 2).reshape(rows, count, tokens, channels)
    return msa.proj_drop(msa.proj(out))


def pad_to_windows(x: Tensor, window: int) -> Tensor:
    """Pad a map (R, H, W, C) at the right and the bottom with zeros to whole windows."""
    size = x.shape[1:3]
    height, width = padded_size(size, window)
    return F.pad(x, (0, 0, 0, width - size[1], 0, height - size[0]))
