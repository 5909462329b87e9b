"""Export of timm's rotary positions for any image size."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from timm.layers import pos_embed_sincos
from torch import Tensor


@contextmanager
def rotary_positions_of_any_size() -> Iterator[None]:
    """Context in which a traced graph has rotary positions for any patch grid.

    timm divides by ``float(side)`` of the grid, which tracing makes a constant. The exporter of
    PyTorch 2.11 counts a negative ``dim`` of ``repeat_interleave`` up in place, and with it every
    other -1 of the graph, such as those of later views.
    """
    original = Tensor.repeat_interleave

    def repeat_interleave(x: Tensor, repeats: Any, dim: int | None = None, **given: Any) -> Tensor:
        return original(x, repeats, dim if dim is None else dim % x.dim(), **given)

    def as_float(side: Any) -> Any:
        return side.float() if isinstance(side, Tensor) else builtins.float(side)

    torch.Tensor.repeat_interleave = repeat_interleave  # ty: ignore[invalid-assignment]
    names = vars(pos_embed_sincos)
    names["float"] = as_float  # found before the builtin
    try:
        yield
    finally:
        torch.Tensor.repeat_interleave = original
        del names["float"]
