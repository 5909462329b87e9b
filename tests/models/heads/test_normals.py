from __future__ import annotations

import pytest
import torch
from mmengine.structures import PixelData
from torch.nn.functional import normalize

from mtlplugins.models.heads import NormalsHead


def targets(*maps: torch.Tensor) -> list[PixelData]:
    return [PixelData(data=m) for m in maps]


def ahead(height: int, width: int) -> torch.Tensor:
    """Normals of a wall straight ahead."""
    return torch.tensor([0.0, 0.0, -1.0])[:, None, None].repeat(1, height, width)


def test_predicts_unit_vectors_of_the_same_direction() -> None:
    logits = torch.tensor([3.0, 0.0, -4.0])[:, None, None] * torch.tensor([[[0.01, 1.0, 50.0]]])
    prediction = NormalsHead(4).predict(logits).data
    wanted = torch.tensor([0.6, 0.0, -0.8])[:, None, None].expand(3, 1, 3)
    torch.testing.assert_close(prediction, wanted)


def test_starts_as_a_wall_straight_ahead() -> None:
    head = NormalsHead(4)
    head.init_weights()
    logits = head(torch.zeros(1, 4, 2, 3))
    torch.testing.assert_close(head.predict(logits[0]).data, ahead(2, 3))
    assert 0 < head.conv.weight.std() < 0.03


def test_loss_is_one_minus_the_cosine_over_pixels_with_ground_truth() -> None:
    truth = ahead(1, 3)
    truth[:, 0, 2] = 0  # missing
    logits = torch.tensor([[0.0, 0, -7], [2, 0, 0], [5, 5, 5]]).T.reshape(1, 3, 1, 3)
    logits.requires_grad_()
    head = NormalsHead(4)
    loss = head.loss(logits, targets(truth))["loss"]
    loss.backward()
    assert loss.item() == pytest.approx((0 + 1) / 2)
    assert (logits.grad[..., 2] == 0).all()
    assert logits.grad[..., 1].any()
    assert head.num_targets(targets(truth, ahead(2, 2))) == 2 + 4


def test_loss_at_the_size_of_the_target() -> None:
    logits = torch.tensor([3.0, 0.0, -4.0]).view(1, 3, 1, 1).repeat(2, 1, 3, 2)
    loss = NormalsHead(4).loss(logits, targets(ahead(9, 8), ahead(9, 8)))["loss"]
    assert loss.item() == pytest.approx(0.2, rel=1e-5)


def test_no_valid_pixel() -> None:
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    head, nothing = NormalsHead(4), targets(torch.zeros(3, 2, 2))
    loss = head.loss(logits, nothing)["loss"]
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()
    assert head.num_targets(nothing) == 0


def test_loss_stays_in_float32_under_autocast() -> None:
    head = NormalsHead(4)
    truth = targets(*normalize(torch.randn(2, 3, 8, 8), dim=1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = head(torch.randn(2, 4, 8, 8))
        loss = head.loss(logits, truth)["loss"]
    assert logits.dtype == torch.bfloat16
    assert loss.dtype == head.predict(logits[0]).data.dtype == torch.float32
    assert loss.item() == pytest.approx(head.loss(logits.float(), truth)["loss"].item(), rel=1e-6)
