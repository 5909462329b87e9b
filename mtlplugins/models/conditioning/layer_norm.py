"""Conditional LayerNorm: gain and bias depend on the task."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .condition import Condition
from .film import FiLM
from .modulation import ConditionalModulation
from .module import ConditionalModule


class ConditionalLayerNorm(ConditionalModule, nn.LayerNorm):
    """``y = (1 + Δγ(z)) γ' · x̂ + (β' + Δβ(z))`` (the thesis, section 3.2.1).

    γ' and β' are ``weight`` and ``bias`` of the plain LayerNorm that this one replaces, under the
    same names, so a pretrained norm loads. Δγ and Δβ start at 0, so a fresh conditional norm equals
    the pretrained one. (The thesis reinitialised γ' and β' and lost accuracy, its section 4.5.4.)

    Args:
        features: Length of the normalised last axis.
        embed_dims: Length of the task embedding.
        eps: Added to the variance, as in ``nn.LayerNorm``.
    """

    place = "norms"
    after_norm = ConditionalModulation

    def __init__(self, features: int, *, embed_dims: int, eps: float = 1e-5) -> None:
        super().__init__(features, eps=eps)
        self.film = FiLM(embed_dims, features)

    def reset_conditioning(self) -> None:
        """Reset to the plain norm: Δγ and Δβ are 0; γ' and β' stay as they are."""
        self.film.reset_parameters()

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Normalise rows ``x`` (R, L, C), each by its task."""
        scale, shift = self.film(condition.z)  # (T, C)
        gains, biases = scale * self.weight, shift + self.bias
        # one norm call per task reads and writes x once; gain and bias after it would take two more
        rows = x.split(condition.rows_per_task)
        normalised = [
            F.layer_norm(part, self.normalized_shape, gain, bias, self.eps)
            for part, gain, bias in zip(rows, gains, biases, strict=True)
        ]
        return torch.cat(normalised) if len(normalised) > 1 else normalised[0]

    @torch.no_grad()
    def folded(self, z: Tensor) -> nn.LayerNorm:
        """Make the equivalent plain norm for the task embedding ``z`` (1, embed_dims)."""
        plain = nn.LayerNorm(list(self.normalized_shape), eps=self.eps).to(self.weight)
        scale, shift = (p[0] for p in self.film(z))
        plain.weight.copy_(scale * self.weight)
        plain.bias.copy_(shift + self.bias)
        return plain
