"""Memory layout of maps for convolutions: channels last where it is faster and safe."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def allows_channels_last(network: nn.Module) -> bool:
    """Whether all convolutions of a network may get their maps channels last on a CPU.

    The backward pass of oneDNN's strided 1 x 1 convolution writes past the end of its buffers for
    channels-last maps where the input channels are no multiple of 8 (PyTorch 2.11, CPU with AVX2
    but not AVX-512; float32). Only narrow ResNets, as in tests, have such shortcuts; contiguous
    maps are safe there. The answer holds for a whole network, for convolutions, norms and
    activations hand the layout on.

    Args:
        network: Holds the convolutions.
    """
    strided = (
        layer
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.stride != (1, 1)
    )
    return all(layer.in_channels // layer.groups % 8 == 0 for layer in strided)


def for_convolutions(x: Tensor, *, channels_last: bool = True) -> Tensor:
    """Lay a map out as the convolutions of its device are fastest with; a no-op where it lies so.

    Channels last on a CPU: with it a training step of ResNet-50 is 1.24 times as fast in bfloat16
    and 1.05 times in float32 (``tools/analysis/benchmark.py resnets``, two cores of a Xeon with
    AMX). On a GPU it is what tensor cores want, in half precision; not measured. Convolutions,
    norms and activations hand the layout on.

    Args:
        x: (N, C, H, W).
        channels_last: What :func:`allows_channels_last` says of the network; False makes ``x``
            contiguous on a CPU.

    Returns:
        The same values.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # they choose for themselves
        return x
    kind = x.device.type
    if kind == "cpu" and not channels_last:
        return x.contiguous()
    autocast = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    if kind == "cpu" or autocast or x.dtype in (torch.bfloat16, torch.float16):
        return x.contiguous(memory_format=torch.channels_last)
    return x
