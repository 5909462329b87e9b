"""Numbers from untrusted pickles: checks that NumPy itself does not make.

NumPy takes on trust what a pickle says of an array: that it holds as many bytes as its shape needs,
and no addresses of objects. Both unpicklers, ours for data (:mod:`.safe_pickle`) and PyTorch's for
checkpoints (:mod:`mtlplugins.compat.checkpoints`), build their arrays here.
"""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any

import numpy as np

#: Type codes that a file may ask for: none of them is of objects, records or text.
NUMBER_CODES = frozenset(("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"))


def number_type(code: Any) -> np.dtype:
    """Look up a number type of this machine's byte order.

    Raises:
        UnpicklingError: It is the code of another type, or none.
    """
    if isinstance(code, str) and code in NUMBER_CODES:
        return np.dtype(code)
    raise UnpicklingError(f"numpy.dtype({code!r}) is not allowed: it is not a number type")


def array_from_bytes(data: Any, dtype: np.dtype, shape: Any, *, fortran: bool) -> np.ndarray:
    """View bytes as an array of numbers, which is read-only.

    Raises:
        ValueError: The bytes are not as many as the shape says.
        TypeError: ``data`` or ``shape`` is of another type.
    """
    values = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    if values.shape != tuple(shape):  # NumPy takes a side below 0 for one that it may choose
        raise ValueError(f"cannot reshape {len(data)} bytes to {shape}")
    return values
