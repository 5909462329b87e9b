"""Arrays from untrusted bytes hold only numbers, as many as their shape needs."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mtlplugins.io.safe_numpy import NUMBER_CODES, array_from_bytes, number_type


@pytest.mark.parametrize("code", sorted(NUMBER_CODES))
def test_numbers(code: str) -> None:
    assert number_type(code) == np.dtype(code)
    assert not number_type(code).hasobject


@pytest.mark.parametrize("code", ["O", "O8", "V4", "U3", "S3", "M8", "i4,i4", "", None, ["u1"]])
def test_other_types_are_refused(code: object) -> None:
    with pytest.raises(pickle.UnpicklingError, match="is not a number type"):
        number_type(code)


def test_order_of_the_values() -> None:
    data = np.arange(6, dtype=np.uint8).tobytes()
    rows = array_from_bytes(data, np.dtype("u1"), (2, 3), fortran=False)
    columns = array_from_bytes(data, np.dtype("u1"), (2, 3), fortran=True)
    assert rows.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert columns.tolist() == [[0, 2, 4], [1, 3, 5]]
    assert not rows.flags.writeable


@pytest.mark.parametrize("shape", [(7,), (5,), (2, 4), (-2, 3, 2), ()])
def test_another_number_of_bytes_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="reshape"):
        array_from_bytes(bytes(6), np.dtype("u1"), shape, fortran=False)
