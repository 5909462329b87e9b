"""Low-rank update (LoRA) of a linear layer, scaled by the task."""

from __future__ import annotations

from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .condition import Condition
from .module import ConditionalModule


class LowRank(ConditionalModule):
    """``B · diag(1 + γ(z)) · A · x``, added to ``W x + b``.

    The tasks share the update ``B A`` (LoRA, https://arxiv.org/abs/2106.09685); each scales its
    ``rank`` directions by ``1 + γ(z)``, as FiLM does. MTLoRA (https://arxiv.org/abs/2403.20320) has
    matrices per task too, so its size grows with the number of tasks. LoRA's factor α/r is left
    out: it acts as a learning rate. ``B`` starts at zero, and so does the update; ``A`` starts as
    in LoRA.

    Args:
        in_features: Length of ``x``.
        out_features: Length of ``W x``.
        embed_dims: Length of the task embedding.
        rank: Number of directions.
    """

    place = "linears"
    settings = MappingProxyType(dict(rank=8))

    def __init__(
        self, in_features: int, out_features: int, *, embed_dims: int, rank: int = 8
    ) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.empty(rank, in_features))  # A
        self.up = nn.Parameter(torch.empty(out_features, rank))  # B
        self.generator = nn.Linear(embed_dims, rank)
        nn.init.kaiming_uniform_(self.down, a=5**0.5)
        self.reset_conditioning()

    def reset_conditioning(self) -> None:
        """Reset to adding nothing: ``B`` and γ are 0; ``A`` stays."""
        nn.init.zeros_(self.up)
        nn.init.zeros_(self.generator.weight)
        nn.init.zeros_(self.generator.bias)

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Map rows ``x`` (R, ..., K), each by its task, to (R, ..., out_features)."""
        hidden = condition.scaled(F.linear(x, self.down), 1 + self.generator(condition.z))
        return F.linear(hidden, self.up)

    @torch.no_grad()
    def folded(self, z: Tensor) -> Tensor:
        """Compute the addition to ``W`` for the task embedding ``z`` (1, embed_dims)."""
        return (self.up * (1 + self.generator(z))) @ self.down
