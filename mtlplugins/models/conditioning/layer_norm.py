"""LayerNorm whose gain and bias depend on the task."""

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

    γ' and β' are the parameters ``weight`` and ``bias`` of the plain LayerNorm that it replaces,
    under the same names, so that a pretrained norm loads. The thesis starts them anew and loses by
    it (its section 4.5.4); here a fresh conditional norm equals the pretrained one, since Δγ and Δβ
    start at 0.

    Args:
        features: Length of the normalised last axis.
        embed_dims: Length of the task embedding.
        eps: Added to the variance, as in ``nn.LayerNorm``.
    """

    place = "norms"
    behind = ConditionalModulation

    def __init__(self, features: int, *, embed_dims: int, eps: float = 1e-5) -> None:
        super().__init__(features, eps=eps)
        self.film = FiLM(embed_dims, features)

    def reset_conditioning(self) -> None:
        """Go back to the plain norm: Δγ and Δβ are 0; γ' and β' stay as they are."""
        self.film.reset_parameters()

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Normalise the rows ``x`` (R, L, C), each for its task."""
        scale, shift = self.film(condition.z)  # (T, C)
        gains, biases = scale * self.weight, shift + self.bias
        # a plain norm for each task passes over its rows once; gain and bias behind one thrice
        rows = x.split(condition.rows_per_task)
        normalised = [
            F.layer_norm(part, self.normalized_shape, gain, bias, self.eps)
            for part, gain, bias in zip(rows, gains, biases, strict=True)
        ]
        return torch.cat(normalised) if len(normalised) > 1 else normalised[0]

    @torch.no_grad()
    def folded(self, z: Tensor) -> nn.LayerNorm:
        """Make the plain norm that does the same for the task embedding ``z`` (1, embed_dims)."""
        plain = nn.LayerNorm(self.normalized_shape, eps=self.eps).to(self.weight)
        scale, shift = (p[0] for p in self.film(z))
        plain.weight.copy_(scale * self.weight)
        plain.bias.copy_(shift + self.bias)
        return plain
