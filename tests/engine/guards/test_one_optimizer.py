from __future__ import annotations

import pytest
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn
from torch.optim import SGD

from mtlplugins.engine import MultiTaskRunner

PART = dict(optimizer=dict(type="AdamW", lr=1e-3), clip_grad=dict(max_norm=1.0))


class Model(nn.Linear):
    trained_tasks: tuple[str, ...]


@OPTIM_WRAPPER_CONSTRUCTORS.register_module(force=True)
class OneForEachParameter:
    """As users of MMEngine write it for a generator and a discriminator."""

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        self.rate = optim_wrapper_cfg["lr"]

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        wrappers = {n: OptimWrapper(SGD([p], self.rate)) for n, p in model.named_parameters()}
        return OptimWrapperDict(**wrappers)


def build(optim_wrapper: dict, *, ours: bool):
    runner = object.__new__(MultiTaskRunner)  # nothing of it but the model is used
    runner.model = Model(2, 2)
    if ours:
        runner.model.trained_tasks = ("depth",)
    return runner.build_optim_wrapper(optim_wrapper)


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (dict(backbone=PART, heads=PART), "backbone, heads"),
        (dict(constructor="OneForEachParameter", lr=0.1), "weight, bias"),
    ],
)
def test_several_optimizers_are_refused_with_what_to_write(config: dict, names: str):
    with pytest.raises(ValueError, match=rf"several optimizers \({names}; .*lr_mult=0.1"):
        build(dict(config), ours=True)


def test_models_without_tasks_may_have_several():
    built = build(dict(constructor="OneForEachParameter", lr=0.1), ours=False)
    assert list(built.keys()) == ["weight", "bias"]


def test_one_optimizer_is_built_as_ever():
    built = build(dict(PART), ours=True)
    assert built.optimizer.param_groups[0]["lr"] == 1e-3
    assert built.clip_grad_kwargs == dict(max_norm=1.0)
