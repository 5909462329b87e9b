"""Antialiased interpolation as products of matrices, for exporters that do not know it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

_A = -0.5  # of the cubic kernel that PyTorch's antialiased interpolation uses


def cubic_weights(size: Any, new_size: Any) -> Tensor:
    """Compute the weights of ``F.interpolate(…, mode="bicubic", antialias=True)`` along an axis.

    The cubic convolution kernel (Keys 1981, https://doi.org/10.1109/TASSP.1981.1163711), as wide as
    a new pixel where the axis shrinks; its weights inside the axis are normalised.

    Args:
        size: Length n of the axis; a number, or a tensor while a graph is traced.
        new_size: New length m, as well.

    Returns:
        (m, n), each row of sum 1.
    """
    scale = torch.as_tensor(size / new_size, dtype=torch.float32)
    centres = (torch.arange(new_size) + 0.5) * scale - 0.5
    x = (torch.arange(size) - centres[:, None]).abs() / scale.clamp(min=1)
    near = ((_A + 2) * x - (_A + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * _A
    weights = torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
    return weights / weights.sum(dim=1, keepdim=True)


@contextmanager
def antialias_by_products() -> Iterator[None]:
    """Context in which antialiased bicubic interpolation to a size consists of matrix products.

    timm's ViTs interpolate their positions so, and ONNX has the operation only since opset 18,
    which PyTorch's exporter by tracing does not use for it.
    """
    original = F.interpolate

    def interpolate(input: Tensor, size: Any = None, *args: Any, **settings: Any) -> Tensor:
        bicubic = settings.get("mode") == "bicubic" and settings.get("antialias")
        if not bicubic or size is None:
            return original(input, size, *args, **settings)
        rows, columns = map(cubic_weights, input.shape[-2:], size)
        return rows.to(input) @ input @ columns.to(input).transpose(0, 1)

    F.interpolate = interpolate  # ty: ignore[invalid-assignment]  # monkey patch
    try:
        yield
    finally:
        F.interpolate = original
