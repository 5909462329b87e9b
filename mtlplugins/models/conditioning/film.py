"""Feature-wise linear modulation by a task embedding."""

from __future__ import annotations

from torch import Tensor, nn


class FiLM(nn.Module):
    """Generator of a scale and a shift from a task embedding: ``FiLM(x) = (1 + Δγ) · x + Δβ``.

    ``[Δγ, Δβ] = W z + b`` (Perez et al. 2018, https://arxiv.org/abs/1709.07871, eq. 2; the residual
    form ``1 + Δγ`` follows CA-MTL, https://arxiv.org/abs/2009.09139). ``W`` and ``b`` start at
    zero, so a fresh FiLM is the identity for every task, and a fresh conditioned encoder computes
    exactly what the pretrained one computes.

    Args:
        embed_dims: Length of the task embedding ``z``.
        features: Number of features to scale and shift.
    """

    def __init__(self, embed_dims: int, features: int) -> None:
        super().__init__()
        self.generator = nn.Linear(embed_dims, 2 * features)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Reset to the identity; encoders call it after their own weight initialisation."""
        nn.init.zeros_(self.generator.weight)
        nn.init.zeros_(self.generator.bias)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Compute scale and shift once per task.

        Args:
            z: Task embeddings (T, embed_dims).

        Returns:
            Scale ``1 + Δγ`` and shift ``Δβ``, each (T, features).
        """
        delta_gamma, delta_beta = self.generator(z).chunk(2, dim=-1)
        return 1 + delta_gamma, delta_beta
