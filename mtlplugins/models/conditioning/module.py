"""Base class of the conditional modules: parts of a block that depend on the task."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from torch import nn

#: Places in a block that conditional modules can take.
PLACES = ("logits", "norms", "linears", "memory", "beside")


class ConditionalModule(nn.Module):
    """Base class of the conditional modules; a fresh module leaves its block's output unchanged.

    ``place`` says where a block calls the module, which fixes its constructor and methods:

    - ``"logits"``: ``cls(tokens=, block_size=, embed_dims=)``; ``forward(z)`` gives (T, N, N),
      added to the attention's logits.
    - ``"norms"``: ``cls(features, embed_dims=, eps=)`` replaces a norm, ``forward(x, condition)``;
      ``folded(z)`` is the plain norm. ``after_norm(channels, embed_dims=)`` follows a norm that
      must be kept, such as a batch norm, and ``fold_into(norm, z)`` folds it.
    - ``"linears"``: ``cls(in_features, out_features, embed_dims=)`` for each linear layer;
      ``forward(x, condition)`` is added to its output, ``folded(z)`` to its weight.
    - ``"memory"``: ``cls(channels, embed_dims=)``; ``forward(query, condition)`` is added to the
      output of the attention heads; ``folded(z)`` is a plain module.
    - ``"beside"``: ``cls(channels, embed_dims=)``; ``forward(x, condition)`` of the block's input
      is added to the block's output; ``folded(z)`` is a plain module.

    Attributes:
        place: One of :data:`PLACES`.
        settings: Further keyword arguments of the constructor that a plan may set, with their
            defaults; all are integers of at least 1.
        after_norm: The module that follows a norm that must be kept; only for ``"norms"``.
        freezes_linears: Whether the weights that a module of ``"linears"`` adds to are frozen;
            ``fit(layer)`` is called when they have been loaded.
        frees_block: Whether the block that carries the module is trained in a frozen encoder.
    """

    place: ClassVar[str]
    settings: ClassVar[Mapping[str, int]] = MappingProxyType({})
    after_norm: ClassVar[type[ConditionalModule] | None] = None
    freezes_linears: ClassVar[bool] = False
    frees_block: ClassVar[bool] = False

    def reset_conditioning(self) -> None:
        """Reset to changing nothing; encoders call it after their own initialisation."""
        raise NotImplementedError
