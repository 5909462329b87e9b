"""Dropout from 16 random bits per element."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from mtlplugins.models.layers import Dropout, dropout

SHAPE = (7, 50, 301)  # an odd number of elements


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.999])
def test_as_many_fall_out_as_should(rate: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    out = dropout(torch.ones(SHAPE, dtype=dtype), rate)
    assert out.dtype is dtype
    number = out.numel()
    # five standard deviations of a binomial distribution
    expected, spread = number * rate, 5 * (number * rate * (1 - rate)) ** 0.5
    assert abs(int((out == 0).sum()) - expected) < spread
    kept = out[out != 0].unique()
    assert len(kept) == 1
    torch.testing.assert_close(kept.item(), 1 / (1 - rate), rtol=1e-2, atol=0)


def test_the_mean_stays() -> None:
    """With 16 bits, 0.1 is 6554/65536: the scale is that one's, not 1/0.9."""
    out = dropout(torch.ones(1000, dtype=torch.float64), 0.1)
    assert out.max().item() == 65536 / (65536 - 6554)


def test_neighbours_fall_out_independently() -> None:
    """Four elements share a random word."""
    torch.manual_seed(0)
    dropped = dropout(torch.ones(4 * 100_000), 0.5).view(-1, 4) == 0
    correlation = torch.corrcoef(dropped.T.float()) - torch.eye(4)
    assert correlation.abs().max() < 5 / 100_000**0.5


def test_gradients_go_where_values_went() -> None:
    x = torch.randn(SHAPE, requires_grad=True)
    out = dropout(x, 0.3)
    out.sum().backward()
    torch.testing.assert_close(x.grad * x.detach(), out.detach())


def test_a_seed_repeats_it() -> None:
    x = torch.ones(1001)
    first, second, third = (_seeded(x, seed) for seed in (0, 0, 1))
    assert first.equal(second)
    assert not first.equal(third)


def _seeded(x: torch.Tensor, seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    return dropout(x, 0.5)


def test_no_dropout_and_nothing_but_dropout() -> None:
    x = torch.randn(100)
    assert dropout(x, 0.0).equal(x)
    assert dropout(x, 1.0).equal(torch.zeros(100))
    assert Dropout(0.5).eval()(x).equal(x)
    with pytest.raises(ValueError, match="probability"):
        dropout(x, 1.5)


def test_where_operations_are_watched_or_transformed_it_is_pytorchs() -> None:
    with FakeTensorMode():
        assert dropout(torch.ones(4, 3), 0.5).shape == (4, 3)
    x = torch.ones(4, 1000)
    each = torch.vmap(lambda row: dropout(row, 0.5), randomness="different")(x)
    assert (each == each[0]).float().mean() < 0.8  # 4 rows of their own: 5/8
    assert {0.0, 2.0} == set(each.flatten().tolist())
