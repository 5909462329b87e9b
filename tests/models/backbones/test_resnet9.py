"""ResNet9 against its layers written out, and its channels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlplugins.models import ResNet9


def layer(x: Tensor, block: nn.Sequential, *, pool: bool) -> Tensor:
    """Convolve, pool and normalise by the batch's own statistics, with plain functions."""
    y = F.conv2d(x, block[0].weight, padding=1)
    y = F.max_pool2d(y, 2) if pool else y
    mean, variance = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), keepdim=True, correction=0)
    return ((y - mean) / (variance + 1e-5).sqrt()).relu()


def test_against_plain_functions() -> None:
    torch.manual_seed(0)
    encoder = ResNet9((4, 6, 8, 10)).train()
    stem, first, residual, second, last, end = encoder.layers
    images = torch.randn(3, 3, 19, 32)
    x = layer(layer(images, stem, pool=False), first, pool=True)
    x = x + layer(layer(x, residual.branch[0], pool=False), residual.branch[1], pool=False)
    x = layer(layer(x, second, pool=True), last, pool=True)
    x = x + layer(layer(x, end.branch[0], pool=False), end.branch[1], pool=False)
    (found,) = encoder(images)
    assert found.shape == (3, 10, 2, 4)
    torch.testing.assert_close(found, x, rtol=1e-4, atol=1e-5)


def test_weights_of_the_usual_network() -> None:
    pairs = [(3, 64), (64, 128), (128, 128), (128, 128), (128, 256), (256, 512), (512, 512)]
    expected = sum(9 * i * o + 2 * o for i, o in [*pairs, (512, 512)])
    with torch.device("meta"):
        encoder = ResNet9()
    assert sum(p.numel() for p in encoder.parameters()) == expected
    assert sum(isinstance(m, nn.Conv2d) for m in encoder.modules()) == 8


def test_bad_input() -> None:
    for channels in ((64, 128, 256), (64, 0, 256, 512)):
        with pytest.raises(ValueError, match=r"ResNet9: channels=.*: give four positive numbers"):
            ResNet9(channels)
    with pytest.raises(ValueError, match=r"images of \(32, 7\): give at least 8 x 8"):
        ResNet9((4, 4, 4, 4))(torch.zeros(1, 3, 32, 7))
