"""Safe unpickler for plain data, such as CIFAR's files: no code in a file is ever run.

PyTorch's restricted unpickler (``weights_only``, 2.11) cannot read these files: it lacks the opcode
of Python 2's long byte strings (BINSTRING), and those of protocols above 2. A test fails when
PyTorch supports them; then this unpickler can go.
"""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from .safe_numpy import array_from_bytes, number_type

_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")


def read_pickle(path: str | Path) -> Any:
    """Read arrays of numbers, dicts, lists, tuples, strings, bytes and numbers from a pickle.

    No name in the file is ever imported. The few names that build an array resolve to stand-ins,
    which check their arguments and copy numbers; any other name is refused. Python 2 strings are
    returned as bytes.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is truncated, is not a pickle, or asks for any other name. The message
            names the file.
    """
    with open(path, "rb") as file:
        try:
            content = file.read()
            _check_sizes(content)
            return _plain(_Reader(BytesIO(content), encoding="bytes").load(), {})
        except Exception as error:  # a damaged pickle may raise anything
            raise ValueError(
                f"{path} is not read: {type(error).__name__}: {error}. It is truncated, or not "
                "what it should be; take it from its publisher again"
            ) from error


def _check_sizes(content: bytes) -> None:
    """Refuse memo indices that make the unpickler allocate much memory for a small file.

    ``pickletools.genops`` checks that the announced sizes fit the file.
    """
    for opcode, value, _ in pickletools.genops(content):
        if opcode.name in _PUTS and int(value or 0) > len(content):
            raise pickle.UnpicklingError(f"it numbers an object {value}, and has not as many")


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a name, in place of what the name imports.

        Raises:
            UnpicklingError: There is none.
        """
        function = _ALLOWED.get((module, name))
        if function is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which could run code")
        return _StandIn(function)


class _StandIn:
    """Callable in place of a name in the file; the file cannot change its state."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes a function")


class _Type:
    """Stand-in for ``numpy.dtype``: numbers only; with an object type, bytes would be pointers."""

    __slots__ = ("dtype",)

    def __init__(self, code: str | bytes, align: Any = False, copy: Any = True) -> None:
        self.dtype = number_type(code.decode("ascii") if isinstance(code, bytes) else code)

    def __setstate__(self, state: tuple) -> None:
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if order not in ("|", "<", ">", "=") or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("it holds an array of records, not of numbers")
        if order != "|":
            self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stand-in for ``numpy.ndarray``: starts empty, filled by ``__setstate__``."""

    __slots__ = ("values",)

    def __init__(self, *args: Any) -> None:
        self.values = np.zeros(0, np.uint8)

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, fortran, data = state
        self.values = _copy_array(data, kind, shape, fortran=bool(fortran))


def _copy_array(data: Any, kind: Any, shape: Any, *, fortran: bool) -> np.ndarray:
    if not isinstance(kind, _Type) or not isinstance(data, (bytes, bytearray)):
        raise pickle.UnpicklingError("it holds an array that is not of numbers")
    values = array_from_bytes(data, kind.dtype, shape, fortran=fortran)
    return values.astype(kind.dtype.newbyteorder("="))  # a writable copy


def _from_buffer(data: Any, kind: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.values = _copy_array(data, kind, shape, fortran=order == "F")
    return array


def _no_bytes() -> bytes:
    """``bytes()``: the data of an empty array, as Python 3 pickles it for Python 2."""
    return b""


def _encoded(text: Any, encoding: Any) -> bytes:
    """``_codecs.encode``: bytes, as Python 3 pickles them for Python 2."""
    if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
        raise pickle.UnpicklingError(f"it encodes as {encoding!r}")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _Array,  # the first argument of _reconstruct
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encoded,
    ("__builtin__", "bytes"): _no_bytes,
}
for _core in ("numpy.core", "numpy._core"):  # NumPy 1 and 2
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = _Array
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = _from_buffer


def _plain(node: Any, done: dict[int, tuple[Any, Any]]) -> Any:
    """Replace the stand-ins by their arrays, recursively.

    Args:
        node: An unpickled object; may refer to another one several times.
        done: Results by the id of their object; holds the objects too, so that ids stay unique.

    Raises:
        UnpicklingError: An object is not plain data, or contains itself.
    """
    if node is None or type(node) in (bool, int, float, str, bytes, bytearray):
        return node
    if isinstance(node, _Array):
        return node.values
    if id(node) in done:
        if done[id(node)][1] is None:
            raise pickle.UnpicklingError("it holds an object inside of itself")
        return done[id(node)][1]
    # fast path for long lists of labels
    if type(node) in (list, tuple) and all(type(child) in (int, bytes, str) for child in node):
        return node
    done[id(node)] = node, None  # in progress
    if isinstance(node, dict):
        made = {_plain(key, done): _plain(value, done) for key, value in node.items()}
    elif type(node) in (list, tuple):
        made = type(node)(_plain(child, done) for child in node)
    else:
        raise pickle.UnpicklingError(f"it holds a {type(node).__name__.strip('_')} on its own")
    done[id(node)] = node, made
    return made
