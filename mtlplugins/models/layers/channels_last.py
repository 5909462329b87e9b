"""Memory layout of convolution inputs: channels last where it is faster and safe."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def allows_channels_last(network: nn.Module) -> bool:
    """Return whether all convolutions of a network may get channels-last maps on a CPU.

    Some backward kernels of oneDNN are unsafe for narrow strided 1 x 1 convolutions in channels
    last (PyTorch 2.11, float32). Only narrow ResNets, as in tests, have such shortcuts; contiguous
    maps are safe there. The answer is for the whole network, because convolutions, norms and
    activations keep the layout of their input.

    Args:
        network: Network with the convolutions.
    """
    strided = (
        layer
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.stride != (1, 1)
    )
    return all(layer.in_channels // layer.groups % 8 == 0 for layer in strided)


def for_convolutions(x: Tensor, *, channels_last: bool = True) -> Tensor:
    """Convert a map to the memory layout that is fastest for convolutions on its device.

    On a CPU that is channels last: a training step of ResNet-50 is 1.24 times as fast in bfloat16
    and 1.05 times in float32 (``tools/analysis/benchmark.py resnets``, two cores of a Xeon with
    AMX). On a GPU it is channels last in half precision, for tensor cores; not measured.
    Convolutions, norms and activations keep the layout. A map that has it is returned as it is.

    Args:
        x: (N, C, H, W).
        channels_last: Result of :func:`allows_channels_last` for the network; False makes ``x``
            contiguous on a CPU.

    Returns:
        The same values.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # their compiler chooses the layout
        return x
    kind = x.device.type
    if kind == "cpu" and not channels_last:
        return x.contiguous()
    autocast = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    if kind == "cpu" or autocast or x.dtype in (torch.bfloat16, torch.float16):
        return x.contiguous(memory_format=torch.channels_last)
    return x
