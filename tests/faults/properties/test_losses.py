"""Properties of losses, against their formulas, one number at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from mtlplugins.models.losses import BerHuLoss, CosineDirectionLoss
from tests.faults.properties._examples import examples

pytestmark = pytest.mark.faults

numbers = st.floats(-100, 100).map(lambda v: v if abs(v) > 1e-3 else 0.0)
thresholds = st.one_of(st.none(), st.floats(0.01, 50))


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictions, targets, and which of them are valid; anything may be where none is."""
    shape = draw(hnp.array_shapes(max_dims=4, max_side=4))
    pred, target = (draw(hnp.arrays(np.float64, shape, elements=numbers)) for _ in range(2))
    valid = draw(hnp.arrays(bool, shape))
    bad = draw(st.sampled_from((0.0, math.nan, math.inf, -1e30)))
    return pred, np.where(valid, target, bad), valid


def berhu(pred: np.ndarray, target: np.ndarray, valid: np.ndarray, threshold: float | None):
    """The formula of the design, section 7, and its derivative by each prediction."""
    errors = [
        (i, p - t)
        for i, (p, t, v) in enumerate(zip(pred.flat, target.flat, valid.flat, strict=True))
        if v
    ]
    slopes = np.zeros(pred.size)
    if not errors:
        return 0.0, slopes.reshape(pred.shape)
    delta = threshold or 0.2 * max(abs(a) for _, a in errors)
    total = 0.0
    for i, a in errors:
        total += abs(a) if abs(a) <= delta else (a**2 + delta**2) / (2 * delta)
        slopes[i] = np.sign(a) * (1 if abs(a) <= delta else abs(a) / delta)
    return total / len(errors), slopes.reshape(pred.shape) / len(errors)


def apply(loss: torch.nn.Module, *arrays: np.ndarray) -> tuple[Tensor, Tensor]:
    pred, target, valid = map(torch.from_numpy, arrays)
    pred = pred.clone().requires_grad_()
    value = loss(pred, target, valid)
    value.backward()
    return value.detach(), pred.grad


@examples(300)
@given(comparisons(), thresholds, st.floats(0.1, 5))
def test_berhu_is_its_formula(arrays: tuple, threshold: float | None, weight: float) -> None:
    value, gradient = apply(BerHuLoss(threshold, weight), *arrays)
    wanted, slopes = berhu(*arrays, threshold)
    assert value.item() == pytest.approx(weight * wanted, rel=1e-9, abs=1e-300)
    np.testing.assert_allclose(gradient, weight * slopes, rtol=1e-9, atol=1e-12)


@examples(200)
@given(st.floats(0.01, 50), st.booleans())
def test_berhu_is_smooth_at_the_threshold(threshold: float, negative: bool) -> None:
    loss, side = BerHuLoss(threshold), -1 if negative else 1
    around = [
        apply(loss, np.array([side * threshold * factor]), np.zeros(1), np.ones(1, bool))
        for factor in (1 - 1e-6, 1, 1 + 1e-6)
    ]
    for value, gradient in around:
        assert value.item() == pytest.approx(threshold, rel=1e-5)
        assert gradient.item() == pytest.approx(side, rel=1e-5)
    values = [value for value, _ in around]
    assert values == sorted(values)


@examples(200)
@given(comparisons(), st.floats(0.01, 100))
def test_berhu_of_another_unit(arrays: tuple, unit: float) -> None:
    """With δ from the batch, the loss is in the unit of the error: no number is hidden in it."""
    pred, target, valid = arrays
    value, gradient = apply(BerHuLoss(), *arrays)
    scaled, scaled_gradient = apply(BerHuLoss(), unit * pred, unit * target, valid)
    assert scaled.item() == pytest.approx(unit * value.item(), rel=1e-9)
    # an error at the threshold itself may fall on either side, where both slopes are ±1
    np.testing.assert_allclose(scaled_gradient, gradient, rtol=1e-9)


@examples(200)
@given(comparisons(), thresholds, st.randoms(use_true_random=False))
def test_berhu_in_any_order(arrays: tuple, threshold: float | None, random) -> None:
    flat = [a.ravel() for a in arrays]
    order = [*range(flat[0].size)]
    random.shuffle(order)
    value, gradient = apply(BerHuLoss(threshold), *flat)
    moved, moved_gradient = apply(BerHuLoss(threshold), *(a[order] for a in flat))
    assert moved.item() == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(moved_gradient, gradient[order], rtol=1e-12)
    # what is not valid need not be there
    kept = [a[flat[2]] for a in flat]
    assert apply(BerHuLoss(threshold), *kept)[0].item() == pytest.approx(value.item(), rel=1e-12)


@st.composite
def fields(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two fields of unit vectors (n, 3, H, W), and where they are valid."""
    count, height, width = draw(hnp.array_shapes(min_dims=3, max_dims=3, max_side=3))
    shape = (count, 3, height, width)
    made = []
    for _ in range(2):
        vectors = draw(hnp.arrays(np.float64, shape, elements=st.floats(-1, 1)))
        vectors[:, 0] += 2 * draw(st.sampled_from((-1, 1)))
        made.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return *made, draw(hnp.arrays(bool, (count, height, width)))


@examples(200)
@given(fields(), st.floats(0.1, 5), st.sampled_from((0.0, math.nan, math.inf)))
def test_cosine_is_its_formula(arrays: tuple, weight: float, bad: float) -> None:
    pred, target, valid = arrays
    target = np.where(valid[:, None], target, bad)
    value, gradient = apply(CosineDirectionLoss(weight), pred, target, valid)
    places = [*zip(*np.nonzero(valid), strict=True)]
    angles = [
        math.acos(np.clip(pred[n, :, y, x] @ target[n, :, y, x], -1, 1)) for n, y, x in places
    ]
    wanted = sum(1 - math.cos(angle) for angle in angles) / max(len(angles), 1)
    assert value.item() == pytest.approx(weight * wanted, abs=1e-9)
    slopes = np.zeros_like(pred)
    for n, y, x in places:
        slopes[n, :, y, x] = -weight * target[n, :, y, x] / len(places)
    np.testing.assert_allclose(gradient, slopes, atol=1e-12)


@examples(200)
@given(fields(), st.permutations(range(3)))
def test_cosine_does_not_depend_on_the_frame(arrays: tuple, axes: list[int]) -> None:
    pred, target, valid = arrays
    assume(valid.any())
    value, _ = apply(CosineDirectionLoss(), pred, target, valid)
    turned, _ = apply(CosineDirectionLoss(), pred[:, axes], target[:, axes], valid)
    assert turned.item() == pytest.approx(value.item(), abs=1e-12)
    swapped, _ = apply(CosineDirectionLoss(), target, pred, valid)
    assert swapped.item() == pytest.approx(value.item(), abs=1e-12)
    assert -1e-12 <= value.item() <= 2 + 1e-12
    assert apply(CosineDirectionLoss(), pred, pred, valid)[0].item() == pytest.approx(0, abs=1e-12)
    assert apply(CosineDirectionLoss(), pred, -pred, valid)[0].item() == pytest.approx(2)
