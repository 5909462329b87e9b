"""Bottleneck adapters in parallel to a block, plain or conditioned on the task."""

from __future__ import annotations

from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .condition import Condition
from .film import FiLM
from .module import ConditionalModule


class Adapter(nn.Module):
    """Plain adapter ``W_up GELU(W_down x)``, added to ``Block(x)``: a folded conditional adapter.

    Args:
        features: Channels C of the block's input and output.
        bottleneck: Channels between the two linear layers.
    """

    def __init__(self, features: int, *, bottleneck: int = 128) -> None:
        super().__init__()
        self.down = nn.Linear(features, bottleneck)
        self.up = nn.Linear(bottleneck, features)

    def forward(self, x: Tensor, condition: Condition | None = None) -> Tensor:
        """Compute the addition to the block's output from ``x`` (R, L, C); needs no condition."""
        return self.up(F.gelu(self.down(x)))


class ConditionalAdapter(ConditionalModule):
    """``FiLM₂(W_up GELU(FiLM₁(W_down x)))``, added to ``Block(x)`` (the thesis, section 3.2.1).

    The thesis does not specify the bottleneck. CA-MTL's has no nonlinearity; this one has a GELU
    between the two linear layers, as in Houlsby et al. 2019 (https://arxiv.org/abs/1902.00751).
    ``W_up`` starts at zero, so a fresh adapter adds nothing.

    Args:
        features: Channels C of the block's input and output.
        embed_dims: Length of the task embedding.
        bottleneck: Channels between the two linear layers.
    """

    place = "beside"
    settings = MappingProxyType(dict(bottleneck=128))

    def __init__(self, features: int, *, embed_dims: int, bottleneck: int = 128) -> None:
        super().__init__()
        self.down = nn.Linear(features, bottleneck)
        self.film_down = FiLM(embed_dims, bottleneck)
        self.up = nn.Linear(bottleneck, features)
        self.film_up = FiLM(embed_dims, features)
        self.reset_conditioning()

    def reset_conditioning(self) -> None:
        """Reset to adding nothing: ``W_up`` and its bias are 0, both FiLMs the identity."""
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)
        self.film_down.reset_parameters()
        self.film_up.reset_parameters()

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Compute the addition to the block's output from rows ``x`` (R, L, C), by their tasks."""
        scale, shift = (condition.per_row(p)[:, None] for p in self.film_down(condition.z))
        hidden = F.gelu(self.down(x) * scale + shift)  # (R, L, bottleneck)
        scale, shift = (condition.per_row(p)[:, None] for p in self.film_up(condition.z))
        return self.up(hidden) * scale + shift

    @torch.no_grad()
    def folded(self, z: Tensor) -> Adapter:
        """Make the equivalent plain adapter for the task embedding ``z`` (1, embed_dims).

        ``γ (W x + b) + β = (γ W) x + (γ b + β)``, for both linear layers.
        """
        plain = Adapter(self.down.in_features, bottleneck=self.down.out_features)
        plain.to(self.down.weight)
        for name, film in (("down", self.film_down), ("up", self.film_up)):
            own, linear = getattr(self, name), getattr(plain, name)
            scale, shift = (p[0] for p in film(z))
            linear.weight.copy_(scale[:, None] * own.weight)
            linear.bias.copy_(scale * own.bias + shift)
        return plain
