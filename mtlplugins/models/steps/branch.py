"""The branch point as a cut in the graph: detached maps collect the gradients of the tasks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mtlplugins.models.backbones.conditioned import Trunk


def detached(shared: Trunk) -> Trunk:
    """Detach the shared maps, as leaves that accumulate the tasks' gradients."""

    def leaf(x: Tensor) -> Tensor:
        return x.detach().requires_grad_(x.requires_grad)

    x = None if shared.x is None else leaf(shared.x)
    return shared._replace(x=x, maps=tuple(map(leaf, shared.maps)))


def pairs(shared: Trunk, leaves: Trunk) -> list[tuple[Tensor, Tensor]]:
    """Pair each shared map that needs a gradient with its leaf, where the gradient arrives."""
    both = zip((shared.x, *shared.maps), (leaves.x, *leaves.maps), strict=True)
    return [(x, leaf) for x, leaf in both if x is not None and leaf is not None and x.requires_grad]


def replayed(total: Tensor, shared: Trunk, leaves: Trunk) -> Tensor:
    """Give ``total`` a backward pass that takes the leaves' gradients through the shared part."""
    found = pairs(shared, leaves)
    gradients = [leaf.grad for _, leaf in found]
    return _Replay.apply(total.detach().requires_grad_(), gradients, *(x for x, _ in found))


class _Replay(torch.autograd.Function):
    """Identity whose backward pass gives further inputs precomputed gradients.

    The gradients already contain the factors of loss scaling and accumulation. The incoming
    gradient consists of the same factors, so it is not multiplied in.
    """

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: list[Tensor | None], *inputs: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        return None, None, *gradients
