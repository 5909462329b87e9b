"""What a module computes from its parameters alone, kept from one forward pass to the next."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Cached(Generic[T]):
    """The last value of a computation, made anew when what went into it is no longer the same.

    What depends on parameters is kept without gradients alone. A parameter that is replaced, moved
    or written to is noticed, but for what goes past autograd (``parameter.data.copy_(…)``, as
    MMEngine's ``EMAHook`` does): call :meth:`clear` in the module's ``train``, which every loop of
    MMEngine calls behind such a change. Copies of a module, and files, start without a value.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget the value."""
        self._value: T | None = None
        self._state: Hashable = None
        self._held: tuple[Tensor, ...] = ()  # so that the numbers below stay theirs

    def get(self, make: Callable[[], T], parameters: Iterable[Tensor], *facts: Hashable) -> T:
        """Return the kept value, or make one.

        Args:
            make: Computes the value.
            parameters: All the tensors it depends on that may change.
            facts: All else it depends on; autocast is taken care of.
        """
        held = tuple(parameters)
        if not _can_keep(held):
            return make()
        state = facts, _autocast(), tuple((id(p), p.data_ptr(), p._version) for p in held)
        if self._value is None or state != self._state:
            self._value, self._state, self._held = make(), state, held
        return self._value

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle without the value."""
        return Cached, ()


def _can_keep(parameters: tuple[Tensor, ...]) -> bool:
    # graphs that are drawn hold what goes into them for constant; tensors of inference mode know
    # no version, and are of no use in training
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or torch.is_inference_mode_enabled():
        return False
    if parameters and torch.is_grad_enabled():
        return False
    # those who watch operations or take tensors apart expect to see them all
    watched = torch._C._len_torch_dispatch_stack() > 0
    plain = all(
        type(p) in (Tensor, torch.nn.Parameter) and not p.is_inference() for p in parameters
    )
    return plain and not watched and not torch._C._functorch.peek_interpreter_stack()


def _autocast() -> Hashable:
    kinds = [kind for kind in ("cpu", "cuda") if torch.is_autocast_enabled(kind)]
    return tuple((kind, torch.get_autocast_dtype(kind)) for kind in kinds)
