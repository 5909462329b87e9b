"""A conditional module that adds a multiple of a block's input to its output."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtlplugins.models.conditioning import MODULES, Condition, ConditionalModule


class Gate(nn.Module):
    """``g ⊙ x``: the gate of one task, folded."""

    def __init__(self, gate: Tensor) -> None:
        super().__init__()
        self.gate = nn.Parameter(gate)

    def forward(self, x: Tensor, condition: Condition | None = None) -> Tensor:
        return x * self.gate


class TaskGate(ConditionalModule, nn.Module):
    """``(W z) ⊙ x``, added to ``Block(x)``; ``W`` starts at zero."""

    place = "beside"

    def __init__(self, features: int, *, embed_dims: int) -> None:
        super().__init__()
        self.generator = nn.Linear(embed_dims, features, bias=False)
        self.reset_conditioning()

    def reset_conditioning(self) -> None:
        nn.init.zeros_(self.generator.weight)

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        return x * condition.per_row(self.generator(condition.z))[:, None]

    @torch.no_grad()
    def folded(self, z: Tensor) -> Gate:
        return Gate(self.generator(z)[0].clone())


MODULES["gate"] = TaskGate
