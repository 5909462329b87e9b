"""Heads of masks and edges, and mmseg's losses on one channel."""

from __future__ import annotations

import math

import pytest
import torch
from mmengine.structures import PixelData
from torch.nn.functional import binary_cross_entropy_with_logits, sigmoid

from mtlplugins.models.heads import EdgesHead, MaskHead
from mtlplugins.models.losses import BalancedBCELoss, mask_criterion


def targets(*rows: list[int]) -> list[PixelData]:
    return [PixelData(data=torch.tensor([[row]], dtype=torch.uint8)) for row in rows]


def logits(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows)[:, None, None].requires_grad_()


def test_loss_is_binary_cross_entropy_over_pixels_with_ground_truth() -> None:
    x = logits([2.0, -1.0, 5.0], [0.5, 3.0, 9.0])
    found = MaskHead(4).loss(x, targets([1, 1, 255], [0, 1, 255]))
    found["loss"].backward()
    wanted = [1 + math.exp(-2), 1 + math.exp(1), 1 + math.exp(0.5), 1 + math.exp(-3)]
    assert found["loss"].item() == pytest.approx(sum(map(math.log, wanted)) / 4)
    assert found["acc"].item() == pytest.approx(50)
    assert (x.grad[..., 2] == 0).all()
    assert MaskHead(4).num_targets(targets([1, 0, 255])) == 2


@pytest.mark.parametrize("head", [MaskHead(4), EdgesHead(4)])
def test_no_ground_truth_gives_zero(head: MaskHead) -> None:
    x = logits([1.0, -2.0])
    loss = head.loss(x, targets([255, 255]))["loss"]
    loss.backward()
    assert loss.item() == 0
    assert (x.grad == 0).all()


def test_other_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"values \[7\] in a target of MaskHead, which learns"):
        MaskHead(4).loss(logits([1.0]), targets([7]))


def test_predicts_probabilities_and_averages_them_over_views() -> None:
    views = torch.tensor([[[[0.0, 100.0]]], [[[math.log(3), -100.0]]]])
    head = MaskHead(4)
    torch.testing.assert_close(head.postprocess(views)[1, 0, 0], torch.tensor([0.75, 0.0]))
    torch.testing.assert_close(head.merge(views).data[0, 0], torch.tensor([0.625, 0.5]))


def test_balanced_loss_weighs_both_sides_alike() -> None:
    # one edge pixel of four: it weighs 3/4, the others 1/4
    x, truth = torch.zeros(1, 1, 1, 5), torch.tensor([1.0, 0, 0, 0, 1]).view(1, 1, 1, 5)
    valid = torch.tensor([True, True, True, True, False]).view(1, 1, 1, 5)
    value = BalancedBCELoss()(x, truth, valid)
    assert value.item() == pytest.approx(math.log(2) * (0.75 + 3 * 0.25) / 4)
    value = BalancedBCELoss(0.95, loss_weight=2)(x, truth, valid)
    assert value.item() == pytest.approx(2 * math.log(2) * (0.95 + 3 * 0.05) / 4)
    with pytest.raises(ValueError, match=r"positive=1\.5 must be between 0 and 1"):
        BalancedBCELoss(1.5)


def example() -> tuple[torch.Tensor, ...]:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(2, 1, 4, 5, generator=draw)
    truth = (torch.rand(2, 1, 4, 5, generator=draw) > 0.6).float()
    return x, truth, torch.rand(2, 1, 4, 5, generator=draw) > 0.3


def test_two_classes_and_a_sigmoid_give_the_same_cross_entropy() -> None:
    x, truth, valid = example()
    wanted = binary_cross_entropy_with_logits(x[valid], truth[valid])
    for sigmoid_too in (False, True):
        config = dict(type="CrossEntropyLoss", use_sigmoid=sigmoid_too, avg_non_ignore=True)
        found = mask_criterion("MaskHead", config)(x, truth, valid)
        torch.testing.assert_close(found, wanted)


def test_class_weights_are_those_of_the_rest_and_the_mask() -> None:
    x, truth, valid = example()
    config = dict(type="CrossEntropyLoss", class_weight=[1.0, 4.0], avg_non_ignore=True)
    found = mask_criterion("MaskHead", config)(x, truth, valid)
    each = binary_cross_entropy_with_logits(x[valid], truth[valid], reduction="none")
    weights = 1 + 3 * truth[valid]
    torch.testing.assert_close(found, (weights * each).sum() / weights.sum())
    with pytest.raises(ValueError, match="there is one class: give one class_weight"):
        mask_criterion("MaskHead", config | dict(use_sigmoid=True))


def test_focal_loss_by_its_formula() -> None:
    x, truth, valid = example()
    config = dict(type="FocalLoss", gamma=2.0, alpha=0.25)
    found = mask_criterion("MaskHead", config)(x, truth, valid)
    p = sigmoid(x[valid])
    p, a = (torch.where(truth[valid] > 0, u, 1 - u) for u in (p, torch.tensor(0.25)))
    torch.testing.assert_close(found, (-a * (1 - p) ** 2 * p.log()).mean())


def test_dice_loss_is_that_of_the_mask_alone() -> None:
    x, truth, valid = example()
    found = mask_criterion("MaskHead", dict(type="DiceLoss"))(x, truth, torch.ones_like(valid))
    p, t = sigmoid(x).flatten(1), truth.flatten(1)
    wanted = 1 - 2 * (p * t).sum(1) / (((p**2).sum(1) + 1e-3) + ((t**2).sum(1) + 1e-3))
    torch.testing.assert_close(found, wanted.mean())
