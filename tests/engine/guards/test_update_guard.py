from __future__ import annotations

import warnings

import pytest
import torch
from mmengine.optim import LinearLR, OptimWrapper
from torch import nn

from mtlplugins.engine import UpdateGuard


@pytest.fixture
def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(2, 1)


def test_schedulers_still_count_the_steps(linear: nn.Linear) -> None:
    wrapper = OptimWrapper(torch.optim.SGD(linear.parameters(), lr=0.1))
    scheduler = LinearLR(wrapper, start_factor=0.5, end=2)
    guard = UpdateGuard(wrapper)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wrapper.update_params(linear(torch.ones(3, 2)).sum())
        scheduler.step()
    assert guard.take_verdict() is True
    assert guard.take_verdict() is None


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(1e18, True), (float("nan"), False), (float("inf"), False), (float("-inf"), False)],
)
def test_one_gradient_decides(linear: nn.Linear, value: float, verdict: bool) -> None:
    """Large is fine; what is not finite anywhere is refused and told."""
    wrapper = OptimWrapper(torch.optim.SGD(linear.parameters(), lr=0.1))
    guard = UpdateGuard(wrapper)
    linear.bias.register_hook(lambda gradient: gradient * 0 + value)
    before = linear.weight.detach().clone()
    wrapper.update_params(linear(torch.ones(3, 2)).sum())
    assert guard.take_verdict() is verdict
    assert torch.equal(linear.weight, before) is not verdict
    assert [id(p) for p in guard.broken] == ([] if verdict else [id(linear.bias)])
    assert linear.bias.grad is None  # dropped, or used up
