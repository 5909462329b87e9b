"""Choice between window attention as one Triton kernel and by plain operations."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec

import torch
from mmengine.logging import print_log
from mmseg.models.backbones.swin import WindowMSA
from torch import Tensor

from .eager import runs_eagerly

Kernel = Callable[..., Tensor]

#: Tokens of a window, and channels of a head, that the kernel was tried with: windows of 4 to 16.
_TOKENS = range(16, 257)
_CHANNELS = range(8, 65)


def fits_kernel(qkv: Tensor, heads: int, dropout: float) -> bool:
    """Return whether the kernel can compute an attention.

    It has no dropout of attention weights and no double precision; traced, compiled and transformed
    functions cannot look into it.

    Args:
        qkv: Queries, keys and values (R, nW, N, 3·C).
        heads: Attention heads.
        dropout: Probability of dropping an attention weight.
    """
    return (
        qkv.dtype != torch.float64
        and not dropout
        and qkv.shape[-2] in _TOKENS
        and qkv.shape[-1] // (3 * heads) in _CHANNELS
        and runs_eagerly()
    )


@lru_cache
def window_kernel(device: torch.device) -> Kernel | None:
    """Return the kernel for a device, or None for plain operations; decided once.

    The kernel is for GPUs of CUDA. It runs where Triton is installed and, tried on a small window,
    computes what plain operations do; otherwise the log says why not. ``TRITON_INTERPRET=1`` in the
    environment lets Triton run kernels slowly on a CPU, to test them; then the CPU has it too.
    """
    if device.type != "cuda" and os.environ.get("TRITON_INTERPRET") != "1":
        return None
    if find_spec("triton") is None:
        return None
    try:
        from .window_attention_triton import triton_window_attention

        error = _error(triton_window_attention, device)
    except Exception as failure:  # no C compiler, an old GPU: Triton's errors have no common class
        problem = f"{type(failure).__name__}: {failure}"
    else:
        if error < 1e-2:  # products in TF32 have 10 bits
            return triton_window_attention
        problem = f"its result is wrong by {error:.2g}"
    message = f"window attention on {device} by plain operations: the kernel fails ({problem})"
    print_log(message, logger="current", level=logging.WARNING)
    return None


def _error(kernel: Kernel, device: torch.device) -> float:
    """Return the largest difference to plain operations, of an output and its gradients."""
    from .window_attention import attention_bias, window_attention

    generator = torch.Generator().manual_seed(0)
    no_autocast = torch.autocast(device.type, enabled=False)
    # the layer's own initialisation must not change the random numbers of a training
    with torch.random.fork_rng([]), torch.inference_mode(False), torch.enable_grad(), no_autocast:
        msa = WindowMSA(32, 1, (4, 4)).to(device)
        matrix, qkv, towards = (
            torch.randn(*shape, generator=generator).to(device).requires_grad_()
            for shape in ((1, 16, 16), (1, 1, 16, 96), (1, 1, 16, 32))
        )
        leaves = qkv, matrix, msa.relative_position_bias_table
        plain = window_attention(msa, qkv, attention_bias(msa, matrix, None), None)
        tasks = torch.zeros(1, dtype=torch.int64, device=device)
        fused = kernel(msa, qkv, matrix=matrix, task_index=tasks)
        found, wanted = (
            (out, *torch.autograd.grad((out * towards).sum(), leaves)) for out in (fused, plain)
        )
        return max(
            ((a - b).abs().max() / b.abs().max()).item() for a, b in zip(found, wanted, strict=True)
        )
