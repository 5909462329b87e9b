"""Safe NumPy arrays from untrusted pickles: number types only, with checked sizes.

NumPy trusts a pickle: that an array holds as many bytes as its shape needs, and no pointers to
objects. Both unpicklers, ours for data (:mod:`.safe_pickle`) and PyTorch's for checkpoints
(:mod:`mtlplugins.compat.checkpoints`), build their arrays here. There are two because PyTorch's
lacks the opcode BINSTRING, which CIFAR's Python 2 files need.
"""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any

import numpy as np

#: Type codes that a file may ask for; objects, records and text are not among them.
NUMBER_CODES = frozenset(("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"))


def number_type(code: Any) -> np.dtype:
    """Look up a number type, in this machine's byte order.

    Raises:
        UnpicklingError: ``code`` is not in :data:`NUMBER_CODES`.
    """
    if isinstance(code, str) and code in NUMBER_CODES:
        return np.dtype(code)
    raise UnpicklingError(f"numpy.dtype({code!r}) is not allowed: it is not a number type")


def array_from_bytes(data: Any, dtype: np.dtype, shape: Any, *, fortran: bool) -> np.ndarray:
    """View bytes as a read-only array of numbers.

    Raises:
        ValueError: The number of bytes does not fit the shape.
        TypeError: ``data`` is not bytes, or ``shape`` is not a tuple of numbers.
    """
    values = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    if values.shape != tuple(shape):  # NumPy infers a negative side
        raise ValueError(f"cannot reshape {len(data)} bytes to {shape}")
    return values
