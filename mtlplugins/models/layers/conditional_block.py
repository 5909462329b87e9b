"""Mixin for encoder blocks that may carry conditional modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from mtlplugins.models.conditioning import MODULES, Condition, ConditionalModule


class ConditionalBlock(nn.Module):
    """Mixin that attaches, runs and folds conditional modules; comes before the plain block class.

    A subclass declares the places it offers (``places``, ``norms``, ``linears``, ``width``). In its
    forward pass it calls :meth:`normalise` instead of its norms, :meth:`transform` instead of its
    linear layers, and :meth:`beside` at the end. The attribute of a conditional module is
    ``conditional_<name>``, of a folded one ``<name>``; a conditional LayerNorm replaces the plain
    one under its name.

    Attributes:
        places: Places for conditional modules that the block has; see :class:`ConditionalModule`.
        norms: Attribute names of its norms.
        carries: Names of its conditional modules.
    """

    places: ClassVar[tuple[str, ...]]
    norms: tuple[str, ...]
    carries: frozenset[str] = frozenset()
    #: (place, attribute) of each conditional module; a tuple, which compilers can read
    _placed: tuple[tuple[str, str], ...] = ()

    @property
    def width(self) -> int:
        """Channels of the block's output."""
        raise NotImplementedError

    @property
    def linears(self) -> list[str]:
        """Names of the linear layers that the block calls through :meth:`transform`."""
        return []

    def attach(self, modules: Mapping[str, Mapping[str, int]], *, embed_dims: int) -> None:
        """Add conditional modules.

        Args:
            modules: Settings of each module by its name in :data:`MODULES`.
            embed_dims: Length of the task embedding.

        Raises:
            ValueError: The block has no place for a module.
        """
        for name, settings in modules.items():
            kind = MODULES[name]
            if kind.place not in self.places:
                raise ValueError(f"{type(self).__name__} has no place for {name}: {kind.place}")
            put = getattr(self, f"_put_{kind.place}")
            put(kind, f"conditional_{name}", embed_dims=embed_dims, **settings)
        self.carries = frozenset(modules)
        self._placed = _in_order({name: f"conditional_{name}" for name in modules})

    @torch.no_grad()
    def fold(self, z: Tensor) -> None:
        """Replace conditional modules by plain ones for the embedding ``z`` (1, embed_dims)."""
        left = {}
        for name in [name for name in MODULES if name in self.carries]:
            place, attribute = MODULES[name].place, f"conditional_{name}"
            if place == "norms":
                self._fold_norms(z)
                continue
            module = getattr(self, attribute)
            delattr(self, attribute)
            if place == "logits":
                self._fold_logits(module(z))
            elif place == "linears":
                for linear, added in zip(self.linears, module, strict=True):
                    self._linear(linear).weight.add_(added.folded(z))
            else:
                setattr(self, name, module.folded(z))
                left[name] = name
        self.carries = frozenset()
        self._placed = _in_order(left)

    def fit_linears(self) -> None:
        """Fit modules that are derived from the linear layers' weights to these weights."""
        for modules in self._modules_in("linears"):
            for name, module in zip(self.linears, modules, strict=True):
                if module.freezes_linears:
                    module.fit(self._linear(name))

    def normalise(self, name: str, x: Tensor, condition: Condition | None) -> Tensor:
        """Apply a norm, with the rows' condition if norms are conditional."""
        norm = getattr(self, name)
        return norm(x, condition) if self.has_at("norms") else norm(x)

    def transform(self, name: str, x: Tensor, condition: Condition | None) -> Tensor:
        """Apply a linear layer and add the output of conditional modules: (R, ..., C)."""
        y = self.get_submodule(name)(x)
        for modules in self._modules_in("linears"):
            y = y + modules[self.linears.index(name)](x, condition)
        return y

    def has_at(self, place: str) -> bool:
        """Return whether a conditional module is in a place."""
        return any([at == place for at, _ in self._placed])  # noqa: C419, compilers read lists

    @property
    def adds_to_linears(self) -> bool:
        """True if conditional modules add to the output of linear layers."""
        return self.has_at("linears")

    def beside(self, x: Tensor, y: Tensor, condition: Condition | None) -> Tensor:
        """Add the modules beside the block, applied to its input ``x``, to its output ``y``."""
        for module in self._modules_in("beside"):
            y = y + module(x, condition)
        return y

    def logits(self, condition: Condition | None) -> Tensor | None:
        """Compute ``M(z)`` (T, N, N), which is added to the attention logits; None for none."""
        matrix = None
        for module in self._modules_in("logits"):
            assert condition is not None  # encoders check it
            made = module(condition.z)
            matrix = made if matrix is None else matrix + made
        return matrix

    def _linear(self, name: str) -> nn.Linear:
        return cast("nn.Linear", self.get_submodule(name))

    def _modules_in(self, place: str) -> list[Any]:
        """List the conditional modules in a place: lists of them for ``"linears"``."""
        return [getattr(self, attribute) for at, attribute in self._placed if at == place]

    def _put_norms(self, kind: type[ConditionalModule], _: str, **settings: int) -> None:
        for name in self.norms:
            eps = getattr(self, name).eps
            setattr(self, name, kind(self.width, eps=eps, **settings))

    def _fold_norms(self, z: Tensor) -> None:
        for name in self.norms:
            setattr(self, name, getattr(self, name).folded(z))

    def _put_linears(self, kind: type[ConditionalModule], attribute: str, **settings: int) -> None:
        layers = [self._linear(name) for name in self.linears]
        made = (kind(layer.in_features, layer.out_features, **settings) for layer in layers)
        self.add_module(attribute, nn.ModuleList(made))
        if kind.freezes_linears:
            for layer in layers:
                layer.weight.requires_grad_(False)
            self.register_load_state_dict_post_hook(_fit_loaded)

    def _put_beside(self, kind: type[ConditionalModule], attribute: str, **settings: int) -> None:
        self.add_module(attribute, kind(self.width, **settings))

    _put_memory = _put_beside

    def _put_logits(self, kind: type[ConditionalModule], attribute: str, **settings: int) -> None:
        tokens, block_size = self._attended()
        self.add_module(attribute, kind(tokens=tokens, block_size=block_size, **settings))

    def _attended(self) -> tuple[int, int]:
        """Return how many tokens N attend to each other, and the side of a block of ``M(z)``."""
        raise NotImplementedError

    def _fold_logits(self, matrix: Tensor) -> None:
        """Store ``M(z)`` (1, N, N) of one task in the block."""
        raise NotImplementedError


def _fit_loaded(block: ConditionalBlock, _: object) -> None:
    block.fit_linears()


def _in_order(attributes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return (place, attribute) of modules, given their attributes, in the order of MODULES."""
    return tuple((MODULES[name].place, attributes[name]) for name in MODULES if name in attributes)
