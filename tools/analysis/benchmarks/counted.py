"""Peak memory of a function, counted on tensors without data: of sizes too large to run here."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch.utils.weak import WeakIdKeyDictionary

from mtlplugins.common.private import (
    reads_a_number,
    tensors_of,
    tensors_without_data,
    watched_operators,
)


def counted_megabytes(work: Callable[..., None], device: Literal["cpu"], *arguments: Any) -> float:
    """Count the bytes of all tensors that are alive at once while ``work(*arguments)`` runs.

    Operators allocate nothing and compute nothing: only shapes and types are known. What is not a
    tensor is not counted: the allocator's gaps, and buffers inside of an operator.

    Args:
        work: A function that makes all tensors it uses.
        device: Device whose operators are meant, as :func:`peak_megabytes` has it.
        arguments: Arguments of ``work``.
    """
    alive = _AliveBytes()
    with tensors_without_data(), watched_operators(alive.run):
        work(*arguments)
    return alive.peak / 2**20


class _AliveBytes:
    """Bytes of the storages that operators returned and that are still referenced."""

    def __init__(self) -> None:
        self.now = 0
        self.peak = 0
        self.known = weakref.WeakSet[torch.UntypedStorage]()
        self.conjunctions = WeakIdKeyDictionary()

    def run(self, operator: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        if reads_a_number(operator):
            return self._read(args[0])
        result = operator(*args, **kwargs)
        if operator is torch.ops.aten.all.default:
            self.conjunctions[result] = True
        for tensor in tensors_of(result):
            self._add(tensor.untyped_storage())
        return result

    def _read(self, tensor: torch.Tensor) -> bool | float:
        """Any number will do; no check finds a fault: ``all()`` is true, and ``any()`` is not."""
        if tensor.dtype is torch.bool:
            return tensor in self.conjunctions
        return 1.0 if tensor.is_floating_point() else 1

    def _add(self, storage: torch.UntypedStorage) -> None:
        if storage in self.known:
            return
        self.known.add(storage)
        size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._subtract, size)

    def _subtract(self, size: int) -> None:
        self.now -= size
