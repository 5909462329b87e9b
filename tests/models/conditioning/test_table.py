"""A conditional module is a class and a row of the table; everything else is derived from them."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config
from torch import Tensor, nn

from mtlplugins.analysis.results.cards import card
from mtlplugins.models.conditioning import (
    MODULES,
    Condition,
    ConditionalModule,
    ConditioningPlan,
    conditional_modules,
)
from mtlplugins.models.conditioning.module import PLACES
from tests.models._encoders import ENCODERS, shaken
from tests.models._models import images


class Shift(ConditionalModule, nn.Module):
    """Adds a multiple of z's first numbers to every token."""

    place = "beside"
    settings = dict(times=1)

    def __init__(self, features: int, *, embed_dims: int, times: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features, embed_dims))
        self.times = times

    def reset_conditioning(self) -> None:
        nn.init.zeros_(self.weight)

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        return condition.per_row(self.times * condition.z @ self.weight.T)[:, None].expand_as(x)

    def folded(self, z: Tensor) -> nn.Module:
        return _Constant(self.times * self.weight @ z[0])


class _Constant(nn.Module):
    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value)

    def forward(self, x: Tensor, condition: Condition | None = None) -> Tensor:
        return self.value.expand_as(x)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_module_of_another_package(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(MODULES, "shift", Shift)
    make, plan = ENCODERS[name]
    model = make(plan | dict(shift=dict(blocks="all", times=2)))
    backbone = model.backbone
    added = [m for m in conditional_modules(model) if isinstance(m, Shift)]
    blocks = [block for stage in backbone._block_stages() for block in stage]
    assert len(added) == len(blocks) > 0
    assert all(m.times == 2 and not m.weight.any() for m in added)
    shaken(model)
    with torch.no_grad():
        wanted = model(images(1))["depth"]
        assert all(m.weight.any() for m in added)
        backbone.fold(model.task_embedding["depth"])
    assert conditional_modules(model) == []
    assert all(isinstance(block.shift, _Constant) for block in blocks)
    model.task_embedding = None
    model.tasks = model.trained_tasks = ("depth",)
    with torch.no_grad():
        torch.testing.assert_close(model(images(1))["depth"], wanted, rtol=1e-4, atol=1e-4)


def test_plan_and_card_know_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(MODULES, "shift", Shift)
    asked = dict(shift=(0, 1))
    plan = ConditioningPlan.from_config(asked, (1, 2))
    assert plan.modules_of(stage=1, block=1, depth=2) == dict(shift={})
    config = Config(dict(model=dict(backbone=dict(plan=asked, depths=(1, 2)), heads={})))
    assert card(config)["Conditioned Modules"] == "0-1"


@pytest.mark.parametrize("kind", MODULES.values(), ids=MODULES)
def test_rows_are_complete(kind: type[ConditionalModule]):
    assert issubclass(kind, ConditionalModule)
    assert issubclass(kind, nn.Module)
    assert kind.place in PLACES
    assert kind.reset_conditioning is not ConditionalModule.reset_conditioning
    assert kind.place == "logits" or callable(kind.folded)
