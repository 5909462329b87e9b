"""Prompts: tokens generated from the task embedding, which all tokens attend to."""

from __future__ import annotations

from types import MappingProxyType

import torch
from torch import Tensor, nn

from .condition import Condition
from .film import FiLM
from .module import ConditionalModule


class Memory(nn.Module):
    """``softmax(Q Kᵀ / √d) V`` with learned keys and values: folded prompts.

    Args:
        keys: K (P, C).
        values: V (P, C).
    """

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.keys = nn.Parameter(keys)
        self.values = nn.Parameter(values)

    def forward(self, query: Tensor, condition: Condition | None = None) -> Tensor:
        """Attend from queries (R, heads, L, d): (R, heads, L, d); ignores ``condition``."""
        return _read(query, self.keys[None], self.values[None])


class Prompts(ConditionalModule):
    """``softmax(Q K(z)ᵀ / √d) V(z)``, added to the output of the attention heads.

    P tokens per task, ``K(z) = FiLM(K)`` and ``V(z) = FiLM(V)``: prefixes of keys and values
    (https://arxiv.org/abs/2101.00190) with a softmax of their own, as in LLaMA-Adapter
    (https://arxiv.org/abs/2303.16199). In a common softmax even a zero token would change the
    weights of all others. ``V`` starts at zero instead of that paper's gate, so fresh prompts add
    nothing.

    Args:
        features: Channels C of the attention, all heads together.
        embed_dims: Length of the task embedding.
        tokens: Number of tokens P.
    """

    place = "memory"
    settings = MappingProxyType(dict(tokens=8))

    def __init__(self, features: int, *, embed_dims: int, tokens: int = 8) -> None:
        super().__init__()
        self.keys = nn.Parameter(torch.randn(tokens, features))
        self.values = nn.Parameter(torch.empty(tokens, features))
        self.film_keys = FiLM(embed_dims, features)
        self.film_values = FiLM(embed_dims, features)
        self.reset_conditioning()

    def reset_conditioning(self) -> None:
        """Reset to adding nothing: ``V`` is 0, both FiLMs the identity; ``K`` stays."""
        nn.init.zeros_(self.values)
        self.film_keys.reset_parameters()
        self.film_values.reset_parameters()

    def tokens(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Generate keys and values (T, P, C) from ``z`` (T, embed_dims)."""
        pairs = ((self.keys, self.film_keys), (self.values, self.film_values))
        films = [(own, *film(z)) for own, film in pairs]
        keys, values = (own * scale[:, None] + shift[:, None] for own, scale, shift in films)
        return keys, values

    def forward(self, query: Tensor, condition: Condition) -> Tensor:
        """Attend from the queries of rows (R, heads, L, d), each by its task: (R, heads, L, d)."""
        return _read(query, *(condition.per_row(made) for made in self.tokens(condition.z)))

    @torch.no_grad()
    def folded(self, z: Tensor) -> Memory:
        """Make the equivalent plain module for the task embedding ``z`` (1, embed_dims)."""
        keys, values = self.tokens(z)
        return Memory(keys[0], values[0])


def _read(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend from queries (R, heads, L, d) to tokens (R or 1, P, heads · d), per head."""
    heads = query.shape[1]
    keys, values = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (keys, values))
    logits = (query * query.shape[-1] ** -0.5) @ keys.transpose(2, 3)  # (R, heads, L, P)
    return logits.softmax(dim=-1) @ values
