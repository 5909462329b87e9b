"""Base of the conditional modules: the parts of a block that depend on the task."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

#: Places in a block where a conditional module can stand.
PLACES = ("logits", "norms", "linears", "memory", "beside")


class ConditionalModule:
    """Mixin of every conditional module; a fresh one computes exactly what its block does alone.

    ``place`` says how a block uses it, and so its constructor and its methods:

    - ``"logits"``: ``cls(tokens=, block_size=, embed_dims=)``; ``forward(z)`` gives (T, N, N),
      added to the attention's logits.
    - ``"norms"``: ``cls(features, embed_dims=, eps=)`` replaces a norm, ``forward(x, condition)``;
      ``folded(z)`` is the plain norm. ``behind(channels, embed_dims=)`` stands after a norm that
      must stay, such as a batch norm.
    - ``"linears"``: ``cls(in_features, out_features, embed_dims=)`` for each linear layer;
      ``forward(x, condition)`` is added to its output, ``folded(z)`` to its weight.
    - ``"memory"``: ``cls(channels, embed_dims=)``; ``forward(query, condition)`` is added to what
      the attention's heads return; ``folded(z)`` is a plain module.
    - ``"beside"``: ``cls(channels, embed_dims=)``; ``forward(x, condition)`` of the block's input
      is added to its output; ``folded(z)`` is a plain module.

    Attributes:
        place: One of :data:`PLACES`.
        settings: More keyword arguments of the constructor that a plan may set, all whole numbers
            of at least 1, with their defaults.
        freezes_linears: Whether the weights that a module of ``"linears"`` adds to stay as loaded;
            its ``fit(layer)`` is called when they are.
        frees_block: Whether a frozen encoder trains the whole block that carries it.
    """

    place: ClassVar[str]
    settings: ClassVar[Mapping[str, int]] = MappingProxyType({})
    freezes_linears: ClassVar[bool] = False
    frees_block: ClassVar[bool] = False

    def reset_conditioning(self) -> None:
        """Go back to changing nothing; encoders call it after their own initialisation."""
        raise NotImplementedError
