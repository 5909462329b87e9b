"""Weights from all losses of a step, task by task: as if all tasks ran together."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import Tensor

from mtlplugins.models import MultiTaskDistributedDataParallel
from tests.models.balancing.test_loss_balancing import LINES
from tests.models.steps.test_task_by_task import (
    MIXED,
    NETWORKS,
    SWINS,
    Scaled,
    batch,
    gradients,
    make,
    one_process,  # noqa: F401, a fixture
)

LAST = SWINS["Swin, last blocks"]


def method(name: str) -> dict[str, Any]:
    return dict(balancing=dict(type=name) | LINES.get(name, {}))


def check_same(config: dict, batches: list, name: str, *, rtol: float = 1e-10, **settings) -> None:
    wrap = settings.pop("wrap", lambda model: model)
    wanted, wanted_log = gradients(make(config, "AllTasks", **method(name)), batches, **settings)
    model = make(config, "TaskByTask", **method(name))
    found, log = gradients(model, batches, wrap=wrap, **settings)
    for entry, expected in zip(log, wanted_log, strict=True):
        assert entry == pytest.approx(expected, rel=rtol)
    scale = max(float(g.abs().max()) for g in wanted.values() if g is not None)
    assert scale > 0
    for key, gradient in wanted.items():
        assert (gradient is None) == (found[key] is None), key
        if gradient is not None:
            torch.testing.assert_close(found[key], gradient, rtol=rtol, atol=rtol * scale, msg=key)


@pytest.mark.parametrize("name", [*LINES, "Geometric", "Log", "UWSO"])
def test_gradients_and_log_of_each_method(name: str) -> None:
    check_same(LAST, [MIXED], name, rtol=1e-6)  # weights are float32


@pytest.mark.parametrize("network", ["Swin, no plan", "ViT and neck"])
def test_other_networks_and_accumulation(network: str) -> None:
    check_same(NETWORKS[network], [MIXED, [("depth",), ("scene", "depth")]], "Geometric", rtol=1e-6)


def test_a_frozen_encoder_and_loss_scaling() -> None:
    check_same(SWINS["Swin, frozen"], [MIXED], "UWSO", rtol=1e-6)
    check_same(LAST, [MIXED], "Log", wrapper=Scaled, rtol=1e-6)


@pytest.mark.usefixtures("one_process")
def test_under_ddp() -> None:
    check_same(LAST, [MIXED], "Geometric", rtol=1e-6, wrap=MultiTaskDistributedDataParallel)


@pytest.mark.parametrize("name", ["Uncertainty", "FAMO"])
def test_methods_that_learn_train_alike(name: str) -> None:
    def trained(step: str) -> tuple[dict[str, Tensor], list[float]]:
        model = make(LAST, step, **method(name))
        optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.05))
        logged = [model.train_step(batch(MIXED, n), optim_wrapper) for n in range(3)]
        return model.state_dict(), [float(entry["depth_weight"]) for entry in logged]

    (wanted, weights), (found, own) = trained("AllTasks"), trained("TaskByTask")
    assert own == pytest.approx(weights, rel=1e-6)
    assert len(set(weights)) == 3  # they moved
    for key, value in wanted.items():
        torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-7, msg=key)


def test_nothing_is_left_of_the_raw_gradients() -> None:
    """A second step after zero_grad has its own gradients alone."""
    model = make(LAST, "TaskByTask", **method("Geometric"))
    optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.0))
    for number in (1, 0):
        last = number == 0
        if last:
            optim_wrapper.zero_grad = lambda: None
        model.train_step(batch(MIXED, number), optim_wrapper)
    wanted, _ = gradients(make(LAST, "TaskByTask", **method("Geometric")), [MIXED])
    for key, p in model.named_parameters():
        if wanted[key] is not None:
            torch.testing.assert_close(p.grad, wanted[key], rtol=1e-9, atol=1e-12, msg=key)
