"""What modules compute from their weights alone, kept from pass to pass where the caller asks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

from mtlplugins.common.private import is_dispatch_watched, is_function_transformed, version_counter

#: By module: what the value was made of, and the value. A thread begins without one.
Store = dict[nn.Module, tuple[Hashable, tuple[Tensor, ...], Tensor]]
_store: ContextVar[Store | None] = ContextVar("store", default=None)

#: Bytes of a value. Larger ones are of large maps, whose attention costs so much more that making
#: them anew does not show, and those of all blocks together would be most of the memory.
LARGEST = 2**25


@contextmanager
def keep_values(store: Store) -> Iterator[None]:
    """Let modules keep in ``store`` what follows from their weights, for passes without gradients.

    Only a caller knows that nothing in a model changes from one pass to the next, such as a loop
    over test images. A parameter that is replaced, moved or written to is noticed all the same, but
    not what goes past autograd (``parameter.data``, fused optimizers, other processes, tensors of
    inference mode), nor hooks and functions that are put in place of others: take an empty store
    behind such a change.

    Args:
        store: Empty, or as an earlier pass of the same model left it.
    """
    token = _store.set(store)
    try:
        yield
    finally:
        _store.reset(token)


def kept(
    owner: nn.Module, make: Callable[[], Tensor], parameters: Iterable[Tensor], *facts: Hashable
) -> Tensor:
    """Return the value that was kept for a module, or make it.

    Args:
        owner: The module; it has one value.
        make: Computes the value.
        parameters: All the tensors it depends on that may change.
        facts: All else it depends on; autocast is taken care of.
    """
    if not runs_plainly():
        return make()
    store, held = _store.get(), tuple(parameters)
    if store is None or not _can_keep(held):
        return make()
    state = facts, _autocast(), tuple(map(_identity, held))
    found = store.get(owner)  # one object, as others may write to the store in between
    if found is not None and found[0] == state:
        return found[2]
    value = make()
    if value.nbytes <= LARGEST:
        store[owner] = state, held, value  # held, so that the numbers in the state stay theirs
    return value


def runs_plainly() -> bool:
    """Whether tensors are what they seem: nothing is traced, compiled, watched or transformed."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return False  # first: a compiler cannot look at what follows
    return not is_dispatch_watched() and not is_function_transformed()


def _can_keep(parameters: tuple[Tensor, ...]) -> bool:
    plain = all(type(p) in (Tensor, nn.Parameter) for p in parameters)  # not those of FSDP
    return plain and not torch.is_grad_enabled()


def _identity(parameter: Tensor) -> Hashable:
    version = 0 if parameter.is_inference() else version_counter(parameter)
    return id(parameter), parameter.data_ptr(), version


def _autocast() -> Hashable:
    kinds: list[Any] = [kind for kind in ("cpu", "cuda") if torch.is_autocast_enabled(kind)]
    return tuple((kind, torch.get_autocast_dtype(kind)) for kind in kinds)
