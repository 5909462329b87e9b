"""Loops of validation and test keep values, with the weights that they are for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtlplugins.engine.hooks import KeepValuesHook
from mtlplugins.kept_values import kept


class Double(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parameter = nn.Parameter(torch.ones(()))
        self.calls = 0

    def forward(self) -> Tensor:
        return kept(self, self._make, [self.parameter])

    def _make(self) -> Tensor:
        self.calls += 1
        return 2 * self.parameter


RUNNER: Any = SimpleNamespace()


@pytest.mark.parametrize("loop", ["val", "test"])
@torch.no_grad()
def test_once_a_loop(loop: str) -> None:
    hook, double = KeepValuesHook(), Double()
    for value in (1.0, 3.0):
        double.parameter.data.fill_(value)  # past autograd
        getattr(hook, f"before_{loop}_epoch")(RUNNER)
        for index in range(3):
            getattr(hook, f"before_{loop}_iter")(RUNNER, index)
            assert double().item() == 2 * value
        getattr(hook, f"after_{loop}_epoch")(RUNNER)
    assert double.calls == 2
    double(), double()
    assert double.calls == 4


@torch.no_grad()
def test_a_loop_that_an_error_ends() -> None:
    hook, double = KeepValuesHook(), Double()
    hook.before_val_iter(RUNNER, 0)
    double()
    double.parameter.data.fill_(5)
    hook.before_val_iter(RUNNER, 0)  # tried again
    assert double().item() == 10
    hook.before_train_epoch(RUNNER)
    double.parameter.data.fill_(6)
    assert double().item() == 12
    assert double.calls == 3
