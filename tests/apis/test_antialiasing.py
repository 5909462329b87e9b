"""Antialiased interpolation by products equals PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from mtlplugins.apis.antialiasing import antialias_by_products


@pytest.mark.parametrize("size", [(7, 7), (14, 5), (3, 20), (1, 1), (16, 16)])
def test_it_is_pytorchs(size: tuple[int, int]):
    x = torch.randn(2, 3, 7, 9, generator=torch.Generator().manual_seed(0))
    wanted = F.interpolate(x, size=size, mode="bicubic", antialias=True, align_corners=False)
    original = F.interpolate
    with antialias_by_products():
        found = F.interpolate(x, size=size, mode="bicubic", antialias=True, align_corners=False)
        other = F.interpolate(x, size=size, mode="bicubic")
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    assert torch.equal(other, original(x, size=size, mode="bicubic"))
    assert F.interpolate is original
