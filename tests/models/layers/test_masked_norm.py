"""Batch norms of padded batches compute what plain ones do of the batches without padding."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from mtlplugins.models.layers.masked_norm import masked_norms, trains_norms

PRESENT = torch.tensor([1.0, 0.0, 1.0, 0.0])


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize(
    ("make", "shape"), [(nn.BatchNorm2d, (4, 3, 2, 5)), (nn.BatchNorm1d, (4, 3))]
)
def test_padding_changes_nothing(
    make: type, shape: tuple[int, ...], momentum: float | None
) -> None:
    plain = make(3, momentum=momentum)
    nn.init.normal_(plain.weight)
    padded = nn.Sequential(copy.deepcopy(plain))
    (norm,) = masked_norms([padded])
    names = [*padded.state_dict()]
    norm.present = PRESENT
    assert [*padded.state_dict()] == names
    for seed in range(2):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        x[1], x[3] = torch.inf, torch.nan
        given, without = x.clone().requires_grad_(), x[::2].clone().requires_grad_()
        found, wanted = padded(given)[::2], plain(without)
        torch.testing.assert_close(found, wanted)
        for y in (found, wanted):
            y.square().mul(torch.arange(3).view(1, 3, *[1] * (y.dim() - 2))).sum().backward()
        torch.testing.assert_close(given.grad[::2], without.grad, rtol=1e-4, atol=1e-5)
        assert not given.grad[1::2].any()
        torch.testing.assert_close(dict(norm.named_buffers()), dict(plain.named_buffers()))
    torch.testing.assert_close(norm.weight.grad, plain.weight.grad)
    torch.testing.assert_close(padded.eval()(x[:1]), plain.eval()(x[:1]))


@pytest.mark.parametrize("present", [(0.0, 0.0), (0.0, 1.0)])
def test_none_or_a_single_value_changes_no_statistics(present: tuple[float, float]) -> None:
    norm = nn.BatchNorm2d(2)
    norm.running_mean += 3
    masked_norms([norm])
    before = copy.deepcopy(dict(norm.named_buffers()))
    norm.present = torch.tensor(present)
    x = torch.tensor([[5.0, 6.0], [7.0, 4.0]])[..., None, None].requires_grad_()
    y = norm(x)
    torch.testing.assert_close(dict(norm.named_buffers()), before)
    if present[1]:
        torch.testing.assert_close(y[1].flatten(), torch.tensor([4.0, 1.0]), rtol=1e-4, atol=0)
    y[1].sum().backward()
    assert x.grad.isfinite().all()


def test_which_norms_can_be_masked() -> None:
    plain, synchronised = nn.BatchNorm2d(2), nn.SyncBatchNorm(2)
    assert trains_norms(plain)
    assert not trains_norms(plain, maskable=False)
    assert trains_norms(synchronised, maskable=False)
    assert not trains_norms(synchronised.eval())
    masked_norms([plain])
    assert not trains_norms(plain, maskable=False)
