"""Heads of numbers per pixel and per image, with and without their uncertainty."""

from __future__ import annotations

import math

import pytest
import torch
from mmengine.structures import LabelData, PixelData

from mtlplugins.models.heads import FlowHead, RegressionHead, ValuesHead

NAN = float("nan")


def targets(*pixels: list[float]) -> list[PixelData]:
    """One image of a row of pixels, each with its values."""
    return [PixelData(data=torch.tensor(pixels).T[:, None])]


def logits(*pixels: list[float]) -> torch.Tensor:
    return torch.tensor(pixels).T[None, :, None].requires_grad_()


def test_loss_is_the_mean_absolute_error_in_units_of_the_deviation() -> None:
    head = ValuesHead(4, num_values=2, mean=10, std=4)
    x = logits([0.0, 0.0], [1.0, 2.0], [5.0, 5.0])
    loss = head.loss(x, targets([14.0, 10.0], [10.0, 26.0], [10.0, NAN]))["loss"]
    loss.backward()
    assert loss.item() == pytest.approx((1 + 0 + 1 + 2) / 4)
    assert (x.grad[..., 2] == 0).all()  # a pixel without one of its values
    assert head.num_targets(targets([14.0, 10.0], [10.0, NAN])) == 1
    assert head.predict(x[0].detach()).data[:, 0].T.tolist() == [[10, 10], [14, 18], [30, 30]]


@pytest.mark.parametrize(
    "loss",
    [
        dict(type="BerHuLoss", threshold=1.0),
        dict(type="mmpretrain.PixelReconstructionLoss", criterion="L2"),
    ],
)
def test_other_losses_see_the_pixels_with_ground_truth_only(loss: dict) -> None:
    head = ValuesHead(4, num_values=2, loss=loss)
    x = logits([3.0, 1.0], [9.0, 9.0])
    value = head.loss(x, targets([0.0, 1.0], [NAN, 0.0]))["loss"]
    one = 5.0 if loss["type"] == "BerHuLoss" else 9.0  # of an error of 3: (9 + 1) / 2 and 9
    assert value.item() == pytest.approx(one / 2)


@pytest.mark.parametrize("uncertainty", [False, True])
def test_no_ground_truth_gives_zero(uncertainty: bool) -> None:
    x = torch.ones(1, 2 if uncertainty else 1, 1, 3, requires_grad=True)
    loss = ValuesHead(4, uncertainty=uncertainty).loss(x, targets([NAN], [NAN], [NAN]))["loss"]
    loss.backward()
    assert loss.item() == 0
    assert (x.grad == 0).all()


def test_likelihood_of_a_normal_distribution() -> None:
    head = ValuesHead(4, mean=10, std=4, uncertainty=True)
    spread = math.log(9.0)  # of the value in units of 4: a deviation of 3
    x = logits([1.0, spread], [0.0, 0.0])
    loss = head.loss(x, targets([22.0], [10.0]))["loss"]
    wanted = -torch.distributions.Normal(14.0, 12.0).log_prob(torch.tensor(22.0))
    wanted -= math.log(4) + math.log(2 * math.pi) / 2  # without constants
    assert loss.item() == pytest.approx(wanted.item() / 2)
    found = head.predict(x[0].detach())
    assert found.data.flatten().tolist() == [14, 10]
    torch.testing.assert_close(found.std.flatten(), torch.tensor([12.0, 4.0]))
    assert head.postprocess(x).shape == (1, 1, 1, 2)  # graphs have the values alone


def test_the_right_deviation_has_the_smallest_loss() -> None:
    errors = torch.tensor([-2.0, -1.0, 1.0, 2.0])
    head = ValuesHead(4, uncertainty=True)
    spread = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.SGD([spread], lr=0.5)
    for _ in range(100):
        x = torch.stack([torch.zeros(4), spread.expand(4)])[None, :, None]
        optimizer.zero_grad()
        head.loss(x, targets(*errors[:, None].tolist()))["loss"].backward()
        optimizer.step()
    assert spread.exp().item() == pytest.approx((errors**2).mean().item(), rel=1e-3)


def test_mirrored_logits_give_mirrored_values() -> None:
    head = FlowHead(4, mean=3, std=2, uncertainty=True)
    x = torch.tensor([0.5, -1.0, 0.2, 0.3]).view(1, 4, 1, 1)
    mirrored = head.mirror(x)
    wanted = head.postprocess(x) * torch.tensor([-1.0, 1.0]).view(1, 2, 1, 1)
    torch.testing.assert_close(head.postprocess(mirrored), wanted)
    torch.testing.assert_close(mirrored[:, 2:], x[:, 2:])


def test_uncertain_numbers_of_an_image() -> None:
    head = RegressionHead(4, num_outputs=2, mean=1, std=2, uncertainty=True)
    x = torch.tensor([[0.0, 1.0, 0.0, math.log(4.0)]])
    loss = head.loss(x, [LabelData(numbers=torch.tensor([3.0, 3.0]))])["loss"]
    assert loss.item() == pytest.approx((1 / 2 + (0 + math.log(4)) / 2) / 2)
    found = head.predict(x[0])
    assert found.numbers.tolist() == [1, 3]
    torch.testing.assert_close(found.std, torch.tensor([2.0, 4.0]))
    assert head.postprocess(x).shape == (1, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(num_values=0), "num_values=0, std=1.0: give 1 number"),
        (dict(std=0.0), "std=0.0: give"),
        (dict(loss=dict(type="mmseg.DiceLoss")), "loss='mmseg.DiceLoss' does not work in this"),
    ],
)
def test_bad_settings(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"ValuesHead: .*{message}"):
        ValuesHead(4, **options)


def test_flow_has_one_value_or_two() -> None:
    with pytest.raises(ValueError, match="FlowHead: num_values=3: give 2"):
        FlowHead(4, num_values=3)


def test_another_number_of_values_is_named() -> None:
    with pytest.raises(ValueError, match="targets have 2 values per pixel, but the head has num_v"):
        ValuesHead(4).loss(logits([1.0]), targets([1.0, 2.0]))
