from __future__ import annotations

import numpy as np
import pytest
import torch

from mtlplugins.models.losses import BerHuLoss


def berhu(pred: np.ndarray, target: np.ndarray, valid: np.ndarray, threshold: float | None):
    """Loss and gradient over plain arrays of valid elements."""
    error = pred - target
    size = np.abs(error)
    delta = 0.2 * size[valid].max() if threshold is None else threshold
    value = np.where(size <= delta, size, (error**2 + delta**2) / (2 * delta))
    slope = np.where(size <= delta, np.sign(error), error / delta)
    return value[valid].mean(), np.where(valid, slope, 0) / valid.sum()


@pytest.mark.parametrize(
    ("threshold", "errors", "wanted"),
    [
        (1.0, [0.5], 0.5),
        (1.0, [-1.0], 1.0),  # both branches meet at δ
        (1.0, [3.0], 5.0),  # (9 + 1) / 2
        (0.5, [-2.0], 4.25),  # (4 + 0.25) / 1
        (1.0, [0.5, 3.0, -1.0, 0.0], 1.625),
        (None, [1.0, -10.0], 13.5),  # δ = 2: 1 and (100 + 4) / 4 = 26
        (None, [5.0], 13.0),  # δ = 1: (25 + 1) / 2
    ],
)
def test_by_hand(threshold: float | None, errors: list[float], wanted: float):
    pred = torch.tensor(errors) + 2
    loss = BerHuLoss(threshold)(pred, torch.full_like(pred, 2.0), torch.ones_like(pred).bool())
    assert loss.item() == pytest.approx(wanted)


@pytest.mark.parametrize("threshold", [None, 0.3])
def test_against_numpy(threshold: float | None):
    rng = np.random.default_rng(0)
    pred, target = rng.normal(size=(2, 3, 1, 7, 5))
    valid = rng.random(pred.shape) < 0.6
    target[~valid] = np.nan  # must not be read
    wanted, slope = berhu(pred, np.where(valid, target, 0), valid, threshold)
    given = torch.tensor(pred, requires_grad=True)
    loss = BerHuLoss(threshold, loss_weight=3.0)(given, torch.tensor(target), torch.tensor(valid))
    loss.backward()
    assert loss.item() == pytest.approx(3 * wanted, rel=1e-12)
    np.testing.assert_allclose(given.grad.numpy(), 3 * slope, rtol=1e-12)


@pytest.mark.parametrize("threshold", [None, 0.3])
def test_no_valid_element(threshold: float | None):
    pred = torch.tensor([1.0, torch.inf, torch.nan], requires_grad=True)
    loss = BerHuLoss(threshold)(pred, torch.zeros(3), torch.zeros(3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert pred.grad.tolist() == [0, 0, 0]


@pytest.mark.parametrize("threshold", [None, 0.3])
def test_all_correct(threshold: float | None):
    pred = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = BerHuLoss(threshold)(pred, torch.tensor([1.0, 2.0]), torch.ones(2, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert pred.grad.tolist() == [0, 0]


@pytest.mark.parametrize("threshold", [0, -1.0])
def test_threshold_must_be_positive(threshold: float):
    with pytest.raises(ValueError, match=f"threshold={threshold} must be positive"):
        BerHuLoss(threshold)
