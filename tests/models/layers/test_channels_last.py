from __future__ import annotations

import torch

from mtlplugins.models.layers import for_convolutions
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
