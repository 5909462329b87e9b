"""Linear layers with the fastest exact matrix product of the CPU."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import mmcv.cnn
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlplugins.common.private import is_dispatch_watched, onednn_linear

_LEAST = 2**22  # multiplications that outweigh the overhead of a oneDNN call


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute x Wᵀ + b, as :func:`torch.nn.functional.linear`.

    On a CPU, PyTorch multiplies float32 with MKL, which uses AVX-512 on Intel processors only;
    oneDNN, which PyTorch also contains, uses it on all. So oneDNN is used on other processors: 2 to
    3 times as fast (Zen 5). ``torch.backends.mkldnn.flags(enabled=False)`` disables it.

    Args:
        x: (..., K).
        weight: (N, K).
        bias: (N,).

    Returns:
        (..., N).
    """
    if not _uses_onednn(x, weight):
        return F.linear(x, weight, bias)
    out = _Linear.apply(x.reshape(-1, x.shape[-1]), weight, bias)
    return out.view(*x.shape[:-1], len(weight))


class Linear(nn.Linear):
    """:func:`linear` as a module."""

    def forward(self, input: Tensor) -> Tensor:
        """Map ``input`` (..., in_features) to (..., out_features)."""
        return linear(input, self.weight, self.bias)


def use_fast_linears(module: nn.Module) -> None:
    """Turn all linear layers of PyTorch and mmcv inside a module into :class:`Linear`, in place.

    Parameters, their names and hooks stay.
    """
    for layer in module.modules():
        if type(layer) in (nn.Linear, mmcv.cnn.Linear):
            layer.__class__ = Linear


class _Linear(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return onednn_linear(x, weight, bias)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Tensor
    ) -> None:
        x, weight, _ = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = _Linear.apply(gradient, weight.t(), None)
        if ctx.needs_input_grad[1]:
            # the narrower operand first: up to 2.6 times as fast as the other order
            if gradient.shape[1] < x.shape[1]:
                of_weight = _Linear.apply(gradient.t(), x.t(), None)
            else:
                of_weight = _Linear.apply(x.t(), gradient.t(), None).t()
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum(0)
        return of_x, of_weight, of_bias


def _uses_onednn(x: Tensor, weight: Tensor) -> bool:
    # first: a compiler cannot trace reading a file
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or not _mkl_lacks_avx512():
        return False
    # dispatch modes that count operations know PyTorch's, not oneDNN's
    plain = type(x) is Tensor and type(weight) in (Tensor, nn.Parameter)
    return (
        plain
        and not is_dispatch_watched()
        and x.device.type == "cpu"
        and x.dtype is weight.dtype is torch.float32
        and x.numel() * len(weight) >= _LEAST
        and bool(torch.backends.mkldnn.enabled)
        and not torch.is_autocast_enabled("cpu")
    )


@cache
def _mkl_lacks_avx512() -> bool:
    """Return whether this CPU has AVX-512 and MKL does not use it."""
    libraries = torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()
    if not libraries or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    try:
        return "GenuineIntel" not in Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux
        return False
