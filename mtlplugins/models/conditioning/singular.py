"""Task-dependent scaling of the singular values of a linear layer's weight."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .condition import Condition
from .module import ConditionalModule


class SingularScale(ConditionalModule):
    """``U · diag(γ(z) ⊙ S) · Vᵀ · x``, added to ``W x + b`` where ``W = U · diag(S) · Vᵀ``.

    The sum is ``U · diag((1 + γ(z)) ⊙ S) · Vᵀ · x + b``: the task scales the singular values of a
    pretrained weight and keeps its singular vectors. (SVDiff, https://arxiv.org/abs/2303.11305,
    shifts the singular values and has no tasks.) Written as an addition, a fresh module is exact,
    without the rounding of the decomposition. ``W`` is frozen, because it is decomposed only once,
    when the encoder's weights have been loaded.

    Args:
        in_features: Length of ``x``.
        out_features: Length of ``W x``.
        embed_dims: Length of the task embedding.
    """

    place = "linears"
    freezes_linears = True
    left: Tensor
    right: Tensor

    def __init__(self, in_features: int, out_features: int, *, embed_dims: int) -> None:
        super().__init__()
        count = min(in_features, out_features)
        self.register_buffer("left", torch.zeros(out_features, count))  # U diag(S)
        self.register_buffer("right", torch.zeros(count, in_features))  # Vᵀ
        self.generator = nn.Linear(embed_dims, count)
        self.reset_conditioning()

    def reset_conditioning(self) -> None:
        """Reset to adding nothing: γ is 0."""
        nn.init.zeros_(self.generator.weight)
        nn.init.zeros_(self.generator.bias)

    @torch.no_grad()
    def fit(self, layer: nn.Linear) -> None:
        """Decompose the weight of ``layer``, unless that is done already or it is sharded."""
        if type(layer.weight) is not nn.Parameter:
            return  # FSDP's shards are loaded with their decomposition
        weight = layer.weight.double()
        if torch.allclose(self.left.double() @ self.right.double(), weight, rtol=1e-4, atol=1e-6):
            return  # keep loaded ones: the signs of singular vectors differ between machines
        left, values, right = torch.linalg.svd(weight, full_matrices=False)
        self.left.copy_(left * values)
        self.right.copy_(right)

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Map rows ``x`` (R, ..., K), each by its task, to (R, ..., out_features)."""
        hidden = condition.scaled(F.linear(x, self.right), self.generator(condition.z))
        return F.linear(hidden, self.left)

    @torch.no_grad()
    def folded(self, z: Tensor) -> Tensor:
        """Compute the addition to ``W`` for the task embedding ``z`` (1, embed_dims)."""
        return (self.left * self.generator(z)) @ self.right
