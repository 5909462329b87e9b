from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize

from mtlplugins.models.losses import CosineDirectionLoss


def test_hand_computed_angles() -> None:
    """90°, 60°, 0° and 180°, the last not valid."""
    target = torch.tensor([[0.0, 0, 1], [0, 0, 1], [0.6, 0, 0.8], [0, 1, 0]])
    pred = torch.tensor([[1.0, 0, 0], [0, math.sqrt(0.75), 0.5], [0.6, 0, 0.8], [0, -1, 0]])
    maps = [x.T.reshape(1, 3, 2, 2) for x in (pred, target)]
    valid = torch.tensor([[[True, True], [True, False]]])
    assert CosineDirectionLoss()(*maps, valid).item() == pytest.approx((1 + 0.5 + 0) / 3)
    everywhere = torch.ones_like(valid)
    assert CosineDirectionLoss(2.0)(*maps, everywhere).item() == pytest.approx(2 * 3.5 / 4)


def test_only_valid_pixels_have_a_gradient() -> None:
    pred = normalize(torch.randn(2, 3, 4, 5), dim=1).requires_grad_()
    valid = torch.rand(2, 4, 5) < 0.5
    CosineDirectionLoss()(pred, normalize(torch.randn(2, 3, 4, 5), dim=1), valid).backward()
    assert torch.equal(pred.grad.ne(0).any(1), valid)


def test_nothing_valid() -> None:
    pred = torch.randn(1, 3, 2, 2, requires_grad=True)
    loss = CosineDirectionLoss()(pred, torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2).bool())
    loss.backward()
    assert loss.item() == 0
    assert (pred.grad == 0).all()
