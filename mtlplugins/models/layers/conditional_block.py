"""Mixin for blocks of an encoder that may carry conditional modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from mtlplugins.models.conditioning import MODULES, Condition, ConditionalModule


class ConditionalBlock:
    """Attach, run and fold the conditional modules of a block; stands before the plain block class.

    The block says where it has room (``places``, ``norms``, ``linears``, ``width``), and in its
    forward pass calls :meth:`normalise` in place of its norms, :meth:`transform` in place of its
    linear layers, and :meth:`beside` at its end. A module stands under ``conditional_<name>``, a
    folded one under ``<name>``; a conditional LayerNorm in the place of the plain one.

    Attributes:
        places: Where the block has room: see :class:`ConditionalModule`.
        norms: Names of its norms.
        carries: Names of its conditional modules.
    """

    places: ClassVar[tuple[str, ...]]
    norms: ClassVar[tuple[str, ...]]
    carries: frozenset[str] = frozenset()
    _at: Mapping[str, tuple[str, ...]] = {}

    @property
    def width(self) -> int:
        """Channels of the block's output."""
        raise NotImplementedError

    @property
    def linears(self) -> list[str]:
        """Names of the linear layers that the block calls by :meth:`transform`."""
        return []

    def attach(self, modules: Mapping[str, Mapping[str, int]], *, embed_dims: int) -> None:
        """Add conditional modules.

        Args:
            modules: Names in :data:`MODULES`, each with its settings.
            embed_dims: Length of the task embedding.

        Raises:
            ValueError: The block has no room for a module.
        """
        for name, settings in modules.items():
            kind = MODULES[name]
            if kind.place not in self.places:
                raise ValueError(f"{type(self).__name__} has no place for {name}: {kind.place}")
            put = getattr(self, f"_put_{kind.place}")
            put(kind, f"conditional_{name}", embed_dims=embed_dims, **settings)
        self.carries = frozenset(modules)
        self._at = self._by_place({name: f"conditional_{name}" for name in modules})

    @torch.no_grad()
    def fold(self, z: Tensor) -> None:
        """Make the conditional modules plain ones of the task embedding ``z`` (1, embed_dims)."""
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
                for linear, low in zip(self.linears, module, strict=True):
                    self.get_submodule(linear).weight.add_(low.folded(z))
            else:
                setattr(self, name, module.folded(z))
                left[name] = name
        self.carries = frozenset()
        self._at = self._by_place(left)

    def fit_linears(self) -> None:
        """Let modules that are made from the linear layers' weights follow them."""
        for modules in self._standing("linears"):
            for name, module in zip(self.linears, modules, strict=True):
                if module.freezes_linears:
                    module.fit(self.get_submodule(name))

    def normalise(self, name: str, x: Tensor, condition: Condition | None) -> Tensor:
        """Apply a norm, of the rows' tasks where norms are conditional."""
        norm = getattr(self, name)
        return norm(x, condition) if "norms" in self._at else norm(x)

    def transform(self, name: str, x: Tensor, condition: Condition | None) -> Tensor:
        """Apply a linear layer, and what conditional modules add to it: (R, ..., C)."""
        y = self.get_submodule(name)(x)
        for modules in self._standing("linears"):
            y = y + modules[self.linears.index(name)](x, condition)
        return y

    @property
    def adds_to_linears(self) -> bool:
        """Whether a conditional module adds to the linear layers."""
        return "linears" in self._at

    def beside(self, x: Tensor, y: Tensor, condition: Condition | None) -> Tensor:
        """Add to the block's output ``y`` what the modules beside it make of its input ``x``."""
        for module in self._standing("beside"):
            y = y + module(x, condition)
        return y

    def logits(self, condition: Condition | None) -> Tensor | None:
        """Make ``M(z)`` (T, N, N), the tasks' addition to attention logits; None for none."""
        matrix = None
        for module in self._standing("logits"):
            made = module(condition.z)
            matrix = made if matrix is None else matrix + made
        return matrix

    def _standing(self, place: str) -> Iterator[nn.Module]:
        return (getattr(self, attribute) for attribute in self._at.get(place, ()))

    def _by_place(self, attributes: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        places: dict[str, tuple[str, ...]] = {}
        for name in (name for name in MODULES if name in attributes):
            place = MODULES[name].place
            places[place] = (*places.get(place, ()), attributes[name])
        return places

    def _put_norms(self, kind: type[ConditionalModule], _: str, **settings: int) -> None:
        for name in self.norms:
            eps = getattr(self, name).eps
            setattr(self, name, kind(self.width, eps=eps, **settings))

    def _fold_norms(self, z: Tensor) -> None:
        for name in self.norms:
            setattr(self, name, getattr(self, name).folded(z))

    def _put_linears(self, kind: type[ConditionalModule], attribute: str, **settings: int) -> None:
        layers = [self.get_submodule(name) for name in self.linears]
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
        """Tokens N that attend to each other, and the side of a block of ``M(z)``."""
        raise NotImplementedError

    def _fold_logits(self, matrix: Tensor) -> None:
        """Keep ``M(z)`` (1, N, N) of one task."""
        raise NotImplementedError


def _fit_loaded(block: ConditionalBlock, _: object) -> None:
    block.fit_linears()
