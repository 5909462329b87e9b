"""Loops of validation and test keep values, with the weights that they are for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import EMAHook
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mtlplugins.engine import KeepValuesHook
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


class Follower(BaseModel):
    """Predicts what it keeps, and what it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.doubling = Double()

    def forward(self, mode: str = "loss", **_: Any) -> Any:
        if mode == "loss":
            return dict(loss=self.doubling.parameter)
        return [torch.stack([self.doubling(), 2 * self.doubling.parameter])]


class Seen(BaseMetric):
    def process(self, data_batch: Any, data_samples: list[Tensor]) -> None:
        self.results += data_samples

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        kept_ones, right = torch.stack(results).T
        assert torch.equal(kept_ones, right)
        return dict(value=kept_ones[0].item())


def _values(hub: MessageHub) -> list[float]:
    values, _ = hub.get_scalar("val/value").data
    return list(values)


def test_averaged_weights_are_swapped_around_it(tmp_path: Path) -> None:
    runner = Runner(
        Follower(),
        str(tmp_path),
        train_dataloader=DataLoader([{}] * 3, collate_fn=lambda _: {}),
        val_dataloader=DataLoader([{}] * 3, collate_fn=lambda _: {}),
        train_cfg=dict(by_epoch=True, max_epochs=3),
        val_cfg={},
        val_evaluator=Evaluator([Seen()]),
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.1)),
        custom_hooks=[KeepValuesHook(), EMAHook(momentum=0.5)],
        default_hooks=dict(checkpoint=None),
        experiment_name=tmp_path.name,
        default_scope="mmengine",
    )
    runner.train()
    # one after three steps of 0.1 down, averaged from the second on with a half
    weights, average, wanted = 1.0, None, []
    for _ in range(3):
        for _ in range(3):
            weights -= 0.1
            average = weights if average is None else (average + weights) / 2
        wanted.append(2 * average)
    assert _values(runner.message_hub) == pytest.approx(wanted)
