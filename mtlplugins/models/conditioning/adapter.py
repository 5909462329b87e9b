"""A bottleneck beside a block, plain or modulated by the task."""

from __future__ import annotations

from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .condition import Condition
from .film import FiLM
from .module import ConditionalModule


class Adapter(nn.Module):
    """``W_up GELU(W_down x)``, added to ``Block(x)``: what a folded conditional adapter is.

    Args:
        features: Channels C of the block's input and output.
        bottleneck: Channels between the two linear layers.
    """

    def __init__(self, features: int, *, bottleneck: int = 128) -> None:
        super().__init__()
        self.down = nn.Linear(features, bottleneck)
        self.up = nn.Linear(bottleneck, features)

    def forward(self, x: Tensor, condition: Condition | None = None) -> Tensor:
        """Map ``x`` (R, L, C) to what is added to the block's output; no condition is read."""
        return self.up(F.gelu(self.down(x)))


class ConditionalAdapter(ConditionalModule, nn.Module):
    """``FiLM₂(W_up GELU(FiLM₁(W_down x)))``, added to ``Block(x)`` (the thesis, section 3.2.1).

    The thesis leaves the inside open; CA-MTL's bottleneck has no nonlinearity, here a GELU stands
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
        """Go back to adding nothing: ``W_up`` and its bias are 0, both FiLMs the identity."""
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)
        self.film_down.reset_parameters()
        self.film_up.reset_parameters()

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Map the rows ``x`` (R, L, C), each for its task, to what the block's output gets."""
        scale, shift = (condition.per_row(p)[:, None] for p in self.film_down(condition.z))
        hidden = F.gelu(self.down(x) * scale + shift)  # (R, L, bottleneck)
        scale, shift = (condition.per_row(p)[:, None] for p in self.film_up(condition.z))
        return self.up(hidden) * scale + shift

    @torch.no_grad()
    def folded(self, z: Tensor) -> Adapter:
        """Make the plain adapter that does the same for the task embedding ``z`` (1, embed_dims).

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
