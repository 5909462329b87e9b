"""Softmax attention by the quickest exact way that the device at hand has."""

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
    """Softmax(scale · QKᵀ + bias) V.

    PyTorch's fused attention, but for three cases on a CPU (PyTorch 2.11): with dropout and with a
    learnt bias there is no fused kernel; and the one in half precision is slower than plain
    products: backwards 2.5 to 5 times (Zen 4), forwards by a tenth of a whole Swin-S (Zen 5).

    Args:
        query: (..., heads, L, d).
        key: (..., heads, S, d).
        value: (..., heads, S, d).
        bias: Added to the logits, broadcast to (..., heads, L, S); −∞ keeps a key from a query.
        scale: Factor of the products; None for 1/√d.
        dropout: Probability of leaving out a weight.

    Returns:
        (..., heads, L, d).
    """
    usual = query.shape[-1] ** -0.5
    if query.device.type == "cpu" and _no_fused_kernel_pays(query, bias, dropout):
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
    if scale and scale != usual:  # the exporter of PyTorch 2.4 knows the usual one alone
        query = query * (scale / usual)
    out = F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)
    return out.unflatten(0, lead)


def _no_fused_kernel_pays(query: Tensor, bias: Tensor | None, dropout: float) -> bool:
    half = query.dtype in (torch.bfloat16, torch.float16)
    learnt = bias is not None and bias.requires_grad and torch.is_grad_enabled()
    return bool(dropout) or half or learnt
