"""Safe loading of checkpoints: MMEngine's resume under ``weights_only``; no code in them is run.

PyTorch's restricted unpickler (``weights_only``) resolves only names on its allowlist. The names
below are added to it, most of them with a stand-in for the real object, because the real one would
let a hostile file do more than rebuild its data: ``getattr`` reaches any function, and
``numpy.ndarray`` or ``numpy.dtype`` can declare the file's bytes to be pointers to objects.
"""

from __future__ import annotations

import _codecs
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as mmengine_checkpoint

from mtlplugins.io.safe_numpy import NUMBER_CODES, array_from_bytes, number_type

from ._replace import replace_once

_FORCE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
_FORCE_NOT = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"

_METHODS = {
    HistoryBuffer: {"min", "max", "mean", "current"},
    OneCycleParamScheduler: {"_annealing_cos", "_annealing_linear"},
}


def allow_training_state() -> None:
    """Let ``weights_only`` loading read the training state in MMEngine's own checkpoints.

    Breaks: resuming raises an UnpicklingError, because a checkpoint holds HistoryBuffers (with
    NumPy arrays and methods) and, with OneCycleLR, a method of the scheduler.
    Since: PyTorch 2.6, where ``torch.load`` became ``weights_only`` by default.
    Ends: when MMEngine registers, or no longer stores, these objects. OneDL's fork registers the
    real objects during a load, and afterwards removes ours from the allowlist too: its list is
    emptied.
    """
    torch.serialization.add_safe_globals(_safe_globals())
    if hasattr(mmengine_checkpoint, "get_torch_safe_globals"):  # OneDL's
        replace_once(mmengine_checkpoint, "get_torch_safe_globals", _without_names)


def load_weights_only() -> None:
    """Load every checkpoint of MMEngine's with ``weights_only``.

    Breaks: a checkpoint can run code on loading: any file below PyTorch 2.6, one from a URL with
    every PyTorch (``torch.hub`` switches the check off), any where the environment sets
    TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD; and the Runner executes the text in ``meta["config"]``, a
    field of checkpoints from before MMEngine, when it resumes.
    Since: always.
    Ends: when MMEngine passes ``weights_only=True`` and stops executing text from checkpoints.
    """
    replace_once(CheckpointLoader, "load_checkpoint", _guarded)


def _guarded(load: Callable[..., Any]) -> Callable[..., Any]:
    def load_checkpoint(filename: str, *args: Any, **kwargs: Any) -> Any:
        """Load by MMEngine's function, without running what the file names."""
        try:
            with _weights_only():
                checkpoint = load(filename, *args, **kwargs)
        except UnpicklingError as error:
            raise UnpicklingError(
                f"{filename} was not loaded: it is damaged, or holds something other than weights "
                "and MMEngine's training state, and loading that could run code from the file. "
                "If you trust its source, load it there and save its state_dict alone. "
                f"PyTorch says: {_reason(error)}"
            ) from error
        if isinstance(checkpoint, dict) and isinstance(checkpoint.get("meta"), dict):
            checkpoint["meta"].pop("config", None)
        return checkpoint

    return load_checkpoint


def _without_names(original: Callable[[], list[Any]]) -> Callable[[], list[Any]]:
    def get_torch_safe_globals() -> list[Any]:
        """Leave out the names of classes from MMEngine's list."""
        return []

    return get_torch_safe_globals


def _reason(error: UnpicklingError) -> str:
    """Quote PyTorch's reason, without its advice to switch the check off."""
    found = str(error).partition("WeightsUnpickler error:")[2] or str(error)
    return next((line.strip() for line in found.splitlines() if line.strip()), "nothing")


@functools.cache
def _safe_globals() -> list[Any]:
    """List the additions to the unpickler's allowlist."""
    stand_ins = [
        _called("builtins.getattr", _get_method),
        _called("numpy.dtype", _number_type),
        _LoadedArray,
    ]
    for multiarray in ("numpy.core.multiarray", "numpy._core.multiarray"):  # NumPy 1 and 2
        stand_ins.append(_called(f"{multiarray}._reconstruct", _empty_array))
        stand_ins.append(_called(f"{multiarray}.scalar", _number))
    # The unpickler sets the state of an object only if its type is listed too. NumPy ignores the
    # state of its built-in number types, and `_number_type` returns no others.
    number_types = {type(np.dtype(code)) for code in NUMBER_CODES}
    # `bytes` makes the data of an empty array, `encode` that of all others (allowed by PyTorch
    # itself since 2.5).
    return [*stand_ins, *number_types, *_METHODS, bytes, _codecs.encode]


@contextmanager
def _weights_only() -> Iterator[None]:
    """Force ``weights_only``, also for callers that pass False."""
    before = {name: os.environ.pop(name, None) for name in (_FORCE, _FORCE_NOT)}
    os.environ[_FORCE] = "1"
    try:
        yield
    finally:
        del os.environ[_FORCE]
        os.environ.update({name: value for name, value in before.items() if value is not None})


def _called(path: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a stand-in that the unpickler finds under the name ``path``."""

    def stand_in(*args: Any) -> Any:
        """Build what the file asks for from checked arguments."""
        return function(*args)

    stand_in.__module__, _, stand_in.__name__ = path.rpartition(".")
    stand_in.__qualname__ = stand_in.__name__
    return stand_in


def _get_method(owner: Any, name: Any) -> Callable[..., Any]:
    """``getattr``, for the few methods that MMEngine's training state refers to."""
    if isinstance(owner, type) and isinstance(name, str) and name in _METHODS.get(owner, ()):
        return getattr(owner, name)
    raise UnpicklingError(f"builtins.getattr({owner!r}, {name!r}) is not allowed")


def _number_type(code: Any, align: Any = False, copy: Any = False) -> np.dtype:
    """``numpy.dtype``, for built-in number types in this machine's byte order."""
    return number_type(code)


def _number(dtype: np.dtype, data: bytes) -> np.generic:
    """``numpy.core.multiarray.scalar``."""
    return np.frombuffer(data, dtype, count=1)[0]


def _empty_array(subtype: Any, shape: Any, typecode: Any) -> _LoadedArray:
    """``numpy.core.multiarray._reconstruct``: an empty array, filled by ``__setstate__``."""
    return _LoadedArray()


class _LoadedArray(np.ndarray):
    """Stand-in for ``numpy.ndarray``: starts empty, filled once with numbers.

    Pickling or copying it gives a plain array.
    """

    def __new__(cls, *args: Any) -> _LoadedArray:
        if args:  # a shape, a type and a buffer of "pointers"
            raise UnpicklingError("numpy.ndarray(...) is not allowed")
        return super().__new__(cls, (0,), "b1")

    def __setstate__(self, state: tuple[int, tuple[int, ...], np.dtype, bool, bytes]) -> None:
        _, shape, dtype, fortran, data = state
        if self.size:  # its memory may be in use already
            raise UnpicklingError("An array is filled twice")
        values = array_from_bytes(data, dtype, shape, fortran=fortran)
        state = 1, values.shape, values.dtype, fortran, values.tobytes("A")
        super().__setstate__(state)  # ty: ignore[invalid-argument-type]  # NumPy takes a bool

    def __reduce_ex__(self, protocol: Any) -> Any:
        return np.array(self).__reduce_ex__(protocol)


_LoadedArray.__module__ = "numpy"
_LoadedArray.__name__ = _LoadedArray.__qualname__ = "ndarray"
