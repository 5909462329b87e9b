"""A training step is the model's own, with and without DDP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.distributed as dist
from mmengine.optim import OptimWrapper
from torch import Tensor

from mtlplugins.models import MultiTaskDistributedDataParallel, MultiTaskModel
from tests.models._models import PLANS, TASKS, make_model, make_sample


@pytest.fixture(scope="module", autouse=True)
def one_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    init = tmp_path_factory.mktemp("ranks") / "init"
    dist.init_process_group("gloo", init_method=f"file://{init}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def data() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)
    samples = [make_sample(*TASKS, seed=0), make_sample("depth", seed=1)]
    return dict(inputs=torch.randn(2, 3, 32, 32, generator=generator), data_samples=samples)


def trained(network: Any, model: MultiTaskModel, **settings: Any) -> dict[str, Tensor]:
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1), **settings)
    logged = network.train_step(data(), wrapper)
    return {name: torch.as_tensor(value) for name, value in logged.items()} | model.state_dict()


def test_ddp_trains_as_the_model_does() -> None:
    settings = dict(task_weights=dict(depth=3.0))
    bare, inside = (make_model(PLANS["all three"], **settings) for _ in range(2))
    before = inside.state_dict()["heads.depth.conv.weight"].clone()
    wanted = trained(bare, bare)
    found = trained(MultiTaskDistributedDataParallel(inside), inside)
    assert found.keys() == wanted.keys()
    assert {"loss", "depth_loss", "depth_weight", "scene_acc"} <= wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)
    assert not torch.equal(before, wanted["heads.depth.conv.weight"])


def test_the_wrapper_runs_the_step_of_the_model() -> None:
    model = make_model()
    wrapped = MultiTaskDistributedDataParallel(model)
    calls = []

    def step(network: Any, batch: Any, optim_wrapper: Any) -> tuple[Tensor, dict]:
        calls.append((network, batch, optim_wrapper))
        return torch.zeros(()), dict(loss=1.5)

    model.step = step
    assert wrapped.train_step("batch", "optimizer") == dict(loss=1.5)
    assert calls == [(wrapped, "batch", "optimizer")]


def test_mmengines_search_for_unused_parameters_still_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = make_model()
    searched = []
    monkeypatch.setattr(
        "mtlplugins.models.distributed.wrapper.detect_anomalous_params",
        lambda total, model: searched.append(total.grad_fn is not None),
    )
    trained(MultiTaskDistributedDataParallel(model, detect_anomalous_params=True), model)
    assert searched == [True]
