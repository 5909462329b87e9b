"""A batch norm normalises a single value per channel by its running statistics."""

from __future__ import annotations

import pytest
import torch
from mmseg.registry import MODELS
from torch import nn

import mtlplugins  # noqa: F401, applies the workarounds


@pytest.mark.parametrize("kind", [nn.BatchNorm2d, nn.SyncBatchNorm, nn.BatchNorm1d])
def test_a_single_value_is_normalised_by_the_running_statistics(kind: type) -> None:
    norm = kind(3)
    shape = (8, 3) if kind is nn.BatchNorm1d else (8, 3, 2, 2)
    norm(torch.randn(shape) * 2 + 1)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, 3.0]))
        norm.bias.copy_(torch.tensor([0.5, 0.0, -0.5]))
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    x = torch.randn((1, *shape[1:2], *(1,) * (len(shape) - 2)), requires_grad=True)
    out = norm(x)
    view = (1, 3, *(1,) * (len(shape) - 2))
    share = (x - norm.running_mean.view(view)) / (norm.running_var.view(view) + norm.eps).sqrt()
    torch.testing.assert_close(out, share * norm.weight.view(view) + norm.bias.view(view))
    out.sum().backward()
    assert (x.grad != 0).all()
    assert (norm.weight.grad != 0).all()
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())


def test_two_values_are_normalised_by_themselves() -> None:
    norm, x = nn.BatchNorm2d(1), torch.tensor([1.0, 3.0]).reshape(2, 1, 1, 1)
    torch.testing.assert_close(norm(x).flatten(), torch.tensor([-1.0, 1.0]), atol=1e-4, rtol=0)
    assert norm.running_mean.item() == pytest.approx(0.2)


def test_a_norm_without_statistics_still_refuses() -> None:
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.BatchNorm2d(1, track_running_stats=False)(torch.ones(1, 1, 1, 1))


@pytest.mark.parametrize("head", ["PSPHead", "UPerHead", "ASPPHead", "EncHead"])
def test_heads_that_pool_to_one_pixel_train_on_one_image(head: str) -> None:
    options = dict(
        PSPHead=dict(in_channels=4, pool_scales=(1, 2)),
        UPerHead=dict(in_channels=[4, 4], in_index=[0, 1], pool_scales=(1, 2)),
        ASPPHead=dict(in_channels=4, dilations=(1, 2)),
        EncHead=dict(in_channels=[4], in_index=[0], num_codes=2, use_se_loss=False),
    )
    decode = MODELS.build(
        dict(type=head, channels=4, num_classes=3, norm_cfg=dict(type="BN"), **options[head])
    )
    maps = [torch.randn(1, 4, 8, 8, requires_grad=True), torch.randn(1, 4, 4, 4)]
    used = maps if head == "UPerHead" else maps[:1]
    out = decode.train()(used)
    out = out[0] if isinstance(out, (tuple, list)) else out
    out.square().sum().backward()
    assert torch.isfinite(maps[0].grad).all()
