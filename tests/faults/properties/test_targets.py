"""Properties of target files, against the documented conventions, value by value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from mtlplugins.datasets import DepthMap, LabelMap, NormalMap
from tests.faults.properties._examples import examples

pytestmark = pytest.mark.faults

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=4)
INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")


@st.composite
def whole_numbers(draw: st.DrawFn, near: tuple[int, ...]) -> np.ndarray:
    """A map of any integer type, of values around those that matter and around the type's ends."""
    dtype = np.dtype(draw(st.sampled_from(INTEGERS)))
    ends = np.iinfo(dtype)
    values = {v + d for v in (*near, ends.min, ends.max, 2**31, 2**32) for d in (-1, 0, 1, 2)}
    fitting = sorted(v for v in values if ends.min <= v <= ends.max)
    few = draw(st.booleans())  # maps of right values alone, too
    usual = [v for v in fitting if 0 <= v < 8] if few else fitting
    return draw(hnp.arrays(dtype, SHAPES, elements=st.sampled_from(usual)))


@examples(300)
@given(
    whole_numbers((0, 4, 255)),
    st.integers(1, 8),
    st.sampled_from((255, -1, 100)),
    st.booleans(),
)
def test_labels(raw: np.ndarray, classes: int, ignored: int, reduce_zero: bool) -> None:
    kind = LabelMap(
        [str(i) for i in range(classes)], ignore_index=ignored, reduce_zero_label=reduce_zero
    )

    def wanted(value: int) -> int | None:
        if value == ignored or (reduce_zero and value == 0):
            return ignored
        label = value - reduce_zero
        return label if 0 <= label < classes else None

    labels, before = [wanted(int(value)) for value in raw.ravel()], raw.copy()
    if None in labels:
        with pytest.raises(ValueError, match=r"a\.png: label -?\d+ is none of the"):
            kind.convert(raw, "a.png")
        return
    found = kind.convert(raw, "a.png")
    assert found.dtype == np.int32
    assert found.ravel().tolist() == labels
    assert_array_equal(raw, before)
    counts = [labels.count(label) for label in range(classes)]
    assert list(kind.describe(found).values()) == counts
    packed = kind.pack(found).data
    assert packed.shape == (1, *raw.shape)
    assert packed.flatten().tolist() == labels


@examples(300)
@given(
    st.one_of(
        whole_numbers((0, 1000, 65535)).filter(lambda raw: raw.dtype.itemsize > 1),
        hnp.arrays(
            st.sampled_from(("float16", "float32", "float64")),
            SHAPES,
            elements=st.one_of(
                st.sampled_from((0.0, -0.0, math.nan, math.inf, -math.inf, 1.5, 65504.0, 1e-7)),
                st.floats(0, 1000, width=16),
            ),
        ),
    ),
    st.sampled_from((0.001, 1.0, 1 / 512)),
    st.sampled_from((0, 65535, -1)),
)
def test_depths(raw: np.ndarray, unit: float, missing: int) -> None:
    kind, before = DepthMap(unit=unit, missing=missing), raw.copy()
    # where the truth is there, in the precision that it is kept in
    there = [v != missing and math.isfinite(v) for v in raw.ravel().tolist()]
    metres = [v * unit if ok else 0.0 for v, ok in zip(raw.ravel().tolist(), there, strict=True)]
    if min(metres) < 0:
        with pytest.raises(ValueError, match=r"a\.png: depth of -.* m is negative"):
            kind.convert(raw, "a.png")
        return
    found = kind.convert(raw, "a.png")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.ravel(), metres, rtol=1e-6, atol=1e-45)
    assert_array_equal(raw, before)
    assert sum(kind.describe(found).values()) == (found > 0).sum()
    # a zoom changes distances alone, and missing stays missing
    zoomed = kind.zoom(found, 1.7)
    assert zoomed.dtype == np.float32
    assert_array_equal(zoomed == 0, found == 0)
    np.testing.assert_allclose(zoomed * np.float32(1.7), found, rtol=1e-6, atol=1e-44)


@st.composite
def directions(draw: st.DrawFn) -> np.ndarray:
    """Unit vectors in float64 (H, W, 3), by two angles."""
    shape = draw(SHAPES)
    around, up = (
        draw(hnp.arrays(np.float64, shape, elements=st.floats(0, limit)))
        for limit in (2 * math.pi, math.pi)
    )
    return np.stack([np.cos(around) * np.sin(up), np.sin(around) * np.sin(up), np.cos(up)], -1)


@st.composite
def arrows(draw: st.DrawFn) -> np.ndarray:
    """Vectors around unit length, some missing, broken or of quite another length."""
    units = draw(directions())
    usual = (1.0, 0.995, 1.005, 0.0)
    odd = (*usual, 0.97, 1.03, 2.0, 1e-3, 1e-30, 1e30, math.nan, math.inf)
    chosen = st.sampled_from(usual if draw(st.booleans()) else odd)
    scale = draw(hnp.arrays(np.float64, units.shape[:2], elements=chosen))
    with np.errstate(invalid="ignore", over="ignore"):
        return (units * scale[..., None]).astype(np.float32)


@examples(300)
@given(arrows())
def test_normals(raw: np.ndarray) -> None:
    kind, before = NormalMap(), raw.copy()
    broken = ~np.isfinite(raw).all(axis=-1)
    wanted = np.where(broken[..., None], 0, raw)
    there = (wanted != 0).any(axis=-1)
    with np.errstate(over="ignore"):
        lengths = np.sqrt((wanted.astype(np.float64) ** 2).sum(axis=-1))
    if (np.abs(lengths[there] - 1) > 0.02).any():
        with pytest.raises(ValueError, match=r"a\.npy: normals must have length 1"):
            kind.convert(raw, "a.npy")
        return
    found = kind.convert(raw, "a.npy")
    assert found.dtype == np.float32
    off = there & (np.abs(lengths - 1) > 1.1e-4)
    assert_array_equal(found[~off], wanted[~off])  # to the last bit
    np.testing.assert_allclose(found[off], wanted[off] / lengths[off][:, None], atol=1e-6)
    assert_array_equal(raw, before)
    assert sum(kind.describe(found).values()) == there.sum()
    mirrored = kind.mirror(found)
    assert_array_equal(mirrored, found * np.array([-1, 1, 1]))
    assert mirrored.dtype == np.float32
    assert_array_equal(kind.mirror(mirrored), found)


@examples(200)
@given(directions())
def test_normals_survive_eight_bits(units: np.ndarray) -> None:
    """Rounded to the documented image and back: the same direction within 0.7 degrees."""
    image = (np.rint(127 * units) + 128).astype(np.uint8)
    found = NormalMap(suffix=".png").convert(image, "a.png").astype(float)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-6)
    assert (np.linalg.norm(found - units, axis=-1) < math.radians(0.7)).all()
