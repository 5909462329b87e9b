"""Methods by gradients under scaling, bfloat16, recomputation, compilation and DDP's options."""

from __future__ import annotations

import sys

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mtlplugins.engine.speed import Bf16OptimWrapper, CompileHook
from mtlplugins.models import MultiTaskDistributedDataParallel
from tests.models._models import TASKS
from tests.models.steps.test_task_by_task import (  # noqa: F401
    MIXED,
    NETWORKS,
    Scaled,
    batch,
    gradients,
    make,
    one_process,
)

UPGRAD = dict(balancing=dict(type="UPGrad"))
SWIN = NETWORKS["Swin, last blocks"]
RESNET = NETWORKS["ResNet, frozen norms"]
AT = pytest.mark.parametrize("at", ["parameters", "features"])


def with_cp(config: dict) -> dict:
    return config | dict(backbone=config["backbone"] | dict(with_cp=True))


def check(found: dict[str, Tensor | None], wanted: dict[str, Tensor | None], rtol: float) -> None:
    assert any(g is not None and g.abs().max() > 0 for g in wanted.values())
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=rtol, atol=rtol * 1e-2, msg=name)


def test_loss_scaling_and_accumulation() -> None:
    batches = [MIXED, [("depth",), ("scene",)]]
    wanted, _ = gradients(make(SWIN, "TaskByTask", **UPGRAD), batches)
    found, _ = gradients(make(SWIN, "TaskByTask", **UPGRAD), batches, wrapper=Scaled)
    check(found, wanted, 1e-6)


def test_shares_of_the_gradients_are_logged() -> None:
    _, (logged,) = gradients(make(SWIN, "TaskByTask", **UPGRAD), [MIXED])
    norms = {}
    for task in TASKS:
        weights = dict.fromkeys(TASKS, 0.0) | {task: 3.0 if task == "depth" else 1.0}
        found, _ = gradients(make(SWIN, "AllTasks", task_weights=weights), [MIXED])
        shared = [g.flatten() for name, g in found.items() if name.startswith("backbone.")]
        norms[task] = float(torch.cat(shared).norm())
    total = sum(norms.values())
    assert {task: logged[f"{task}_share"] for task in TASKS} == pytest.approx(
        {task: norm / total for task, norm in norms.items()}
    )


@AT
def test_recomputed_activations(at: str) -> None:
    method = dict(balancing=dict(type="UPGrad", at=at))
    wanted, _ = gradients(make(SWIN, "TaskByTask", **method), [MIXED])
    found, _ = gradients(make(with_cp(SWIN), "TaskByTask", **method), [MIXED])
    check(found, wanted, 1e-9)


@AT
def test_bf16_is_near_to_float32(at: str) -> None:
    """TorchJD's default chunking fails where a norm gets bfloat16."""

    def of(wrapper: type[OptimWrapper]) -> Tensor:
        model = make(SWIN, "TaskByTask", balancing=dict(type="NashMTL", at=at)).float()
        data = batch(MIXED)
        data["inputs"] = data["inputs"].float()
        optim_wrapper = wrapper(torch.optim.SGD(model.parameters(), lr=0.0))
        optim_wrapper.zero_grad = lambda: None
        model.train_step(data, optim_wrapper)
        assert model.balancing.failures == 0
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    exact = of(OptimWrapper)
    assert 1e-4 < (of(Bf16OptimWrapper) - exact).norm() / exact.norm() < 0.1


@pytest.mark.parametrize("recompute", [False, True])
def test_shared_batch_norms_count_a_batch_once(recompute: bool) -> None:
    """TorchJD recomputes a checkpointed batch norm once per task, and counts each time."""
    config = with_cp(RESNET) if recompute else RESNET
    counted = {}
    for name, settings in dict(fixed={}, upgrad=UPGRAD).items():
        model = make(config, "TaskByTask", **settings)
        model.backbone.train()
        gradients(model, [MIXED])
        norm = model.backbone.layer1[0].norm1
        counted[name] = (int(norm.num_batches_tracked), norm.running_mean)
    assert counted["upgrad"][0] == 1
    if not recompute:
        torch.testing.assert_close(counted["upgrad"][1], counted["fixed"][1])


def test_batch_norms_behind_the_branch_point_see_one_task_at_a_time() -> None:
    config = dict(RESNET)
    model = make(config, "TaskByTask")
    model.backbone.train()
    tasks = [("semantic", "depth", "scene"), ("depth", "scene"), ("scene",)]
    norm = model.backbone.layer3[-1].norm2
    seen: list[int] = []
    norm.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    gradients(model, [tasks])
    assert seen == [1, 2, 3]
    assert int(norm.num_batches_tracked) == len(TASKS)
    # one task alone is all tasks together
    alone = [("depth",), ("depth",)]
    pairs = [make(config, step) for step in ("TaskByTask", "AllTasks")]
    for model in pairs:
        model.backbone.train()
        gradients(model, [alone])
    for (name, found), wanted in zip(pairs[0].named_buffers(), pairs[1].buffers(), strict=True):
        torch.testing.assert_close(found, wanted, msg=name)
    for (name, found), wanted in zip(
        pairs[0].named_parameters(), pairs[1].parameters(), strict=True
    ):
        torch.testing.assert_close(found.grad, wanted.grad, msg=name)


@pytest.mark.usefixtures("one_process")
@AT
def test_ddp_that_looks_for_unused_parameters_loses_no_gradient(at: str) -> None:
    """TorchJD's backward pass leaves zeros under it, without an error."""
    method = dict(balancing=dict(type="UPGrad", at=at))
    batches = [MIXED, [("scene",), ("scene",)]]
    wanted, _ = gradients(make(SWIN, "TaskByTask", **method), batches)

    def wrap(model: nn.Module) -> nn.Module:
        return MultiTaskDistributedDataParallel(model, find_unused_parameters=True)

    found, _ = gradients(make(SWIN, "TaskByTask", **method), batches, wrap=wrap)
    check(found, wanted, 1e-9)


@pytest.mark.usefixtures("one_process")
def test_a_static_graph_is_refused() -> None:
    def wrap(model: nn.Module) -> nn.Module:
        return MultiTaskDistributedDataParallel(model, static_graph=True)

    with pytest.raises(ValueError, match=r"leave model_wrapper_cfg\.static_graph out"):
        gradients(make(SWIN, "TaskByTask", **UPGRAD), [MIXED], wrap=wrap)


@pytest.mark.slow
@AT
def test_a_compiled_encoder(at: str) -> None:
    method = dict(balancing=dict(type="UPGrad", at=at))
    wanted, _ = gradients(make(SWIN, "TaskByTask", **method), [MIXED])
    model = make(SWIN, "TaskByTask", **method)
    CompileHook(backend="eager").before_run(type("Runner", (), dict(model=model)))
    found, _ = gradients(model, [MIXED])
    check(found, wanted, 1e-8)


def test_weights_shared_between_parts_get_their_whole_gradient() -> None:
    """TorchJD's autogram misses the products between uses of a weight, without an error."""
    model = make(NETWORKS["Swin, no plan"], "TaskByTask", balancing=dict(type="PCGrad"))
    plain = make(NETWORKS["Swin, no plan"], "AllTasks")
    for m in (model, plain):
        blocks = m.backbone.stages[2].blocks
        blocks[1].ffn = blocks[0].ffn
    tasks = [("depth",)] * 2  # one task: what is combined is the plain gradient
    wanted, _ = gradients(plain, [tasks])
    found, _ = gradients(model, [tasks])
    check({n: found[n] for n in wanted}, wanted, 1e-9)


def test_a_missing_solver_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "quadprog", None)
    with pytest.raises(ImportError, match=r'CAGrad needs.*pip install "mtlplugins\[balancing\]"'):
        make(SWIN, "TaskByTask", balancing=dict(type="CAGrad"))
