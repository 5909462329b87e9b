from __future__ import annotations

import pytest
import torch
from torch import nn

from mtlplugins.models import CondResNet
from mtlplugins.models.layers import allows_channels_last, for_convolutions
from tests.models._models import images


def test_values_stay_and_channels_lie_last():
    x = images(2)
    moved = for_convolutions(x)
    assert torch.equal(moved, x)
    assert moved.stride() == (3 * 32 * 32, 1, 3 * 32, 3)
    assert for_convolutions(moved) is moved


def test_traced_graphs_keep_their_layout():
    traced = torch.jit.trace(for_convolutions, images(1))
    x = images(2)
    assert torch.equal(traced(x), x)
    assert traced(x).is_contiguous()


def test_on_a_device_that_autocast_does_not_know():
    assert for_convolutions(images(1).to("meta")).shape == (1, 3, 32, 32)


@pytest.mark.parametrize(
    ("channels", "settings", "allowed"),
    [
        (4, {}, False),
        (12, {}, False),
        (8, {}, True),
        (24, {}, True),
        (4, dict(avg_down=True), True),
    ],
)  # with avg_down the shortcut's convolution has no stride
def test_narrow_strided_shortcuts_get_contiguous_maps(channels: int, settings: dict, allowed: bool):
    encoder = CondResNet(18, stem_channels=channels, base_channels=channels, **settings).eval()
    assert allows_channels_last(encoder) == allowed
    seen: list[bool] = []
    for layer in encoder.modules():
        if isinstance(layer, nn.Conv2d) and layer is not encoder.conv1:
            layer.register_forward_pre_hook(lambda _, x: seen.append(not x[0].is_contiguous()))
    with torch.no_grad():
        encoder(images(2, (64, 64)).contiguous(memory_format=torch.channels_last))
    assert seen == [allowed] * (16 + 3)


def test_a_caffe_bottleneck_strides_in_its_first_convolution():
    narrow = CondResNet(50, stem_channels=8, base_channels=1, style="caffe", avg_down=True)
    assert not allows_channels_last(narrow)
