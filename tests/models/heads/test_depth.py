from __future__ import annotations

import math

import pytest
import torch
from mmengine.structures import PixelData

from mtlplugins.models.heads import DepthHead


def make_head(**settings) -> DepthHead:
    return DepthHead(4, **dict(min_depth=0.5, max_depth=10.0) | settings)


def targets(*maps) -> list[PixelData]:
    return [PixelData(data=torch.tensor(m)[None]) for m in maps]


def logits_of(depth: torch.Tensor, min_depth: float = 0.5) -> torch.Tensor:
    """Inverse of the head: 1/depth = sigmoid(logit) / min_depth."""
    return torch.logit(min_depth / depth)


def test_predicts_the_reciprocal_within_its_range():
    prediction = make_head().predict(torch.tensor([[[-100.0, -2.0, 0.0, 100.0]]])).data
    wanted = 0.5 * (1 + math.exp(2))
    assert prediction.tolist() == [[pytest.approx([10.0, wanted, 1.0, 0.5])]]
    assert prediction.dtype == torch.float32


def test_logits_of_a_depth_predict_it():
    depth = torch.rand(1, 6, 5) * 9 + 0.6
    torch.testing.assert_close(make_head().predict(logits_of(depth)).data, depth)


def test_starts_at_the_geometric_middle_of_the_range():
    head = make_head()
    head.init_weights()
    logits = head(torch.zeros(1, 4, 2, 2))
    assert logits.shape == (1, 1, 2, 2)
    torch.testing.assert_close(head.predict(logits[0]).data, torch.full((1, 2, 2), 5**0.5))
    assert 0 < head.conv.weight.std() < 0.03


def test_loss_compares_reciprocals_of_valid_pixels():
    head = make_head(loss=dict(type="BerHuLoss", threshold=100.0))  # the absolute error
    predicted = torch.tensor([[[[2.0, 4.0], [5.0, 1.0]]]])
    truth = targets([[2.5, 0.0], [0.25, 0.8]])  # missing; closer than min_depth: counts as 0.5
    wanted = (abs(1 / 2 - 1 / 2.5) + abs(1 / 5 - 1 / 0.5) + abs(1 - 1 / 0.8)) / 3
    logits = logits_of(predicted).requires_grad_()
    loss = head.loss(logits, truth)["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(wanted, rel=1e-5)
    assert (logits.grad == 0).tolist() == [[[[False, True], [False, False]]]]


def test_loss_at_the_size_of_the_target():
    head = make_head(loss=dict(type="BerHuLoss", threshold=100.0))
    logits = logits_of(torch.full((2, 1, 3, 2), 4.0))
    loss = head.loss(logits, [PixelData(data=torch.full((1, 9, 8), 2.0))] * 2)["loss"]
    assert loss.item() == pytest.approx(0.25, rel=1e-5)


def test_no_valid_pixel():
    logits = torch.randn(1, 1, 2, 2, requires_grad=True)
    loss = make_head().loss(logits, targets([[0.0, 0.0], [0.0, 0.0]]))["loss"]
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


def test_loss_stays_in_float32_under_autocast():
    head = make_head()
    features = torch.randn(2, 4, 8, 8)
    truth = [PixelData(data=torch.rand(1, 8, 8) * 5 + 1) for _ in range(2)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = head(features)
        loss = head.loss(logits, truth)["loss"]
    assert logits.dtype == torch.bfloat16
    assert head.reciprocal(logits).dtype == loss.dtype == torch.float32
    assert loss.item() == pytest.approx(head.loss(logits.float(), truth)["loss"].item(), rel=1e-6)
    assert head.predict(logits[0]).data.dtype == torch.float32


@pytest.mark.parametrize(("low", "high"), [(0, 10), (-1, 10), (5, 5), (10, 1)])
def test_range_must_be_one(low: float, high: float):
    with pytest.raises(ValueError, match=f"0 < min_depth < max_depth.*{low} and {high}"):
        make_head(min_depth=low, max_depth=high)
