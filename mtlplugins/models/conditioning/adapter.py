"""A bottleneck beside a block, modulated by the task."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from .condition import Condition
from .film import FiLM


class ConditionalAdapter(nn.Module):
    """``FiLM₂(W_up GELU(FiLM₁(W_down x)))``, added to ``Block(x)`` (the thesis, section 3.2.1).

    The thesis leaves the inside open; CA-MTL's bottleneck has no nonlinearity, here a GELU stands
    between the two linear layers, as in Houlsby et al. 2019 (https://arxiv.org/abs/1902.00751).
    ``W_up`` starts at zero, so a fresh adapter adds nothing.

    Args:
        features: Channels C of the block's input and output.
        embed_dims: Length of the task embedding.
        bottleneck: Channels between the two linear layers.
    """

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
