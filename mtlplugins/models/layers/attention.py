"""Softmax attention with the fastest exact implementation for the device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .dropout import dropout as drop


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    bias: Tensor | None = None,
    scale: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Compute softmax(scale · QKᵀ + bias) V.

    Uses PyTorch's fused attention, except in three cases on a CPU (PyTorch 2.11): there is no fused
    kernel with dropout or with a learned bias, and the one for half precision is slower than plain
    products, 2.5 to 5 times in the backward pass (Zen 4) and by 10 % of a whole Swin-S in the
    forward pass (Zen 5).

    Args:
        query: (..., heads, L, d).
        key: (..., heads, S, d).
        value: (..., heads, S, d).
        bias: Added to the logits, broadcast to (..., heads, L, S); −∞ masks a key.
        scale: Factor of the products; None for 1/√d.
        dropout: Probability of dropping an attention weight.

    Returns:
        (..., heads, L, d).
    """
    usual = query.shape[-1] ** -0.5
    if query.device.type == "cpu" and _prefers_plain_products(query, bias, dropout):
        logits = (query * (scale or usual)) @ key.transpose(-2, -1)
        if bias is not None:
            logits = logits + bias
        return drop(logits.softmax(dim=-1), dropout) @ value
    lead = query.shape[:-3]
    if bias is not None:
        bias = bias.to(query.dtype)
        if any(side != 1 for side in bias.shape[:-3]):  # kernels take (rows, heads, L, S)
            bias = bias.expand(*lead, *bias.shape[-3:])
        bias = bias.flatten(0, -4)
    query, key, value = (x.flatten(0, -4) for x in (query, key, value))
    if scale and scale != usual:  # PyTorch 2.4 exports the default scale only
        query = query * (scale / usual)
    out = F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)
    return out.unflatten(0, lead)


def _prefers_plain_products(query: Tensor, bias: Tensor | None, dropout: float) -> bool:
    """Return whether a CPU has no fused kernel for this case, or only a slower one."""
    half = query.dtype in (torch.bfloat16, torch.float16)
    learned = bias is not None and bias.requires_grad and torch.is_grad_enabled()
    return bool(dropout) or half or learned
