from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import DistSamplerSeedHook
from mmengine.registry import HOOKS
from torch.nn.functional import dropout

from mtlplugins.engine import StepSeedHook
from mtlplugins.engine.resume import step_seed_hook


def mask(iteration: int, *, seed: int = 0) -> torch.Tensor:
    StepSeedHook().before_train_iter(SimpleNamespace(seed=seed, iter=iteration), batch_idx=0)
    return dropout(torch.ones(200), 0.5) > 0


def test_it_is_registered_and_runs_before_other_hooks() -> None:
    from mmseg.registry import HOOKS as SEGMENTATION_HOOKS

    assert SEGMENTATION_HOOKS.get("StepSeedHook") is StepSeedHook
    assert HOOKS.get("DistSamplerSeedHook") is DistSamplerSeedHook
    assert StepSeedHook.priority == "VERY_HIGH"


def test_the_dropout_of_an_iteration_does_not_depend_on_what_ran_before() -> None:
    torch.manual_seed(1)
    first = mask(5)
    torch.rand(1000)
    mask(4)
    torch.rand(3)
    assert torch.equal(mask(5), first)
    assert 60 < first.sum() < 140


def test_each_iteration_seed_and_rank_has_its_own_dropout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    masks = [mask(iteration, seed=seed) for iteration in range(5) for seed in range(3)]
    monkeypatch.setattr(step_seed_hook, "get_rank", lambda: 1)
    masks += [mask(iteration) for iteration in range(5)]
    assert len({tuple(m.tolist()) for m in masks}) == 20
    agreeing = [
        (one == other).float().mean().item() for i, one in enumerate(masks) for other in masks[:i]
    ]
    assert min(agreeing) > 0.3
    assert max(agreeing) < 0.7
