"""Conditional scale and shift (FiLM) of the channels of a map."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .condition import Condition
from .film import FiLM
from .module import ConditionalModule


class ConditionalModulation(ConditionalModule):
    """``y = (1 + Δγ(z)) · x + Δβ(z)`` for each channel of a map.

    Follows a norm of any type, which keeps its parameters, their names and its batch statistics.
    After ``x = γ' · x̂ + β'`` it differs from :class:`ConditionalLayerNorm`: ``1 + Δγ`` scales β'
    too. Δγ and Δβ start at 0, so a fresh one is the identity.

    Args:
        channels: Channels C of the map.
        embed_dims: Length of the task embedding.
    """

    def __init__(self, channels: int, *, embed_dims: int) -> None:
        super().__init__()
        self.film = FiLM(embed_dims, channels)

    def reset_conditioning(self) -> None:
        """Reset to the identity: Δγ and Δβ are 0."""
        self.film.reset_parameters()

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Scale and shift rows ``x`` (R, C, H, W), each by its task."""
        scale, shift = (condition.per_row(p)[:, :, None, None] for p in self.film(condition.z))
        return torch.addcmul(shift, x, scale)  # (R, C, H, W)

    @torch.no_grad()
    def fold_into(self, norm: nn.Module, z: Tensor) -> None:
        """Fold the modulation for the task embedding ``z`` (1, embed_dims) into the norm before it.

        ``γ (γ' x̂ + β') + β = (γ γ') x̂ + (γ β' + β)``

        Raises:
            ValueError: The norm has no gain and bias with one number per channel.
        """
        scale, shift = (p[0] for p in self.film(z))
        own: dict[str, Any] = {name: getattr(norm, name, None) for name in ("weight", "bias")}
        for name, value in own.items():
            if value is None or value.shape != scale.shape:
                raise ValueError(
                    f"cannot fold the modulation after a {type(norm).__name__} into it: it has no "
                    f"{name} of {len(scale)} channels; take a norm with affine=True in norm_cfg"
                )
        own["weight"].mul_(scale)
        own["bias"].mul_(scale).add_(shift)
