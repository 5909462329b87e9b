"""Channels of a map, scaled and shifted by the task."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .condition import Condition
from .film import FiLM
from .module import ConditionalModule


class ConditionalModulation(ConditionalModule, nn.Module):
    """``y = (1 + Δγ(z)) · x + Δβ(z)`` for each channel of a map.

    Stands behind a normalisation of any kind, which keeps its parameters, their names and its batch
    statistics. Behind ``x = γ' · x̂ + β'`` it differs from :class:`ConditionalLayerNorm` in that
    ``1 + Δγ`` scales β' too. Δγ and Δβ start at 0, so a fresh one changes nothing.

    Args:
        channels: Channels C of the map.
        embed_dims: Length of the task embedding.
    """

    def __init__(self, channels: int, *, embed_dims: int) -> None:
        super().__init__()
        self.film = FiLM(embed_dims, channels)

    def reset_conditioning(self) -> None:
        """Go back to changing nothing: Δγ and Δβ are 0."""
        self.film.reset_parameters()

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Modulate the rows ``x`` (R, C, H, W), each for its task."""
        scale, shift = (condition.per_row(p)[:, :, None, None] for p in self.film(condition.z))
        return torch.addcmul(shift, x, scale)  # (R, C, H, W)

    @torch.no_grad()
    def fold_into(self, norm: nn.Module, z: Tensor) -> None:
        """Let ``norm``, which stands before it, do the same for the embedding ``z``.

        ``z`` (1, embed_dims): ``γ (γ' x̂ + β') + β = (γ γ') x̂ + (γ β' + β)``

        Raises:
            ValueError: The norm has no gain and bias of one number per channel.
        """
        scale, shift = (p[0] for p in self.film(z))
        for name in ("weight", "bias"):
            own = getattr(norm, name, None)
            if own is None or own.shape != scale.shape:
                raise ValueError(
                    f"cannot fold the modulation behind a {type(norm).__name__} into it: it has no "
                    f"{name} of {len(scale)} channels; take a norm with affine=True in norm_cfg"
                )
        norm.weight.mul_(scale)
        norm.bias.mul_(scale).add_(shift)
