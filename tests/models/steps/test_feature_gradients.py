"""Methods that combine the tasks' gradients of the shared maps: ``at="features"``."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mtlplugins.models import MultiTaskModel
from mtlplugins.models.task_losses import TaskLosses
from tests.models._models import PLANS, make_model
from tests.models.steps.test_task_by_task import MIXED, NETWORKS, Scaled, batch, gradients, make
from tests.models.steps.test_task_gradients import expected_of, reference

UPGRAD = dict(balancing=dict(type="UPGrad", at="features"))
BY_TASK = dict(step=dict(type="TaskByTask"))


def by_hand(model: MultiTaskModel, tasks: list[tuple[str, ...]]) -> dict[str, Tensor]:
    """The gradients of the encoder, by plain autograd in one graph."""
    data = batch(tasks)
    shared = model.shared_part(data["inputs"])
    maps = [x for x in (shared.x, *shared.maps) if x is not None]
    rows = model.rows_with_targets(data["data_samples"])
    logits = model.encode_decode(shared, rows)
    found = TaskLosses(
        model.trained_tasks, model.heads, rows, data["data_samples"], torch.device("cpu")
    )
    matrix = []
    names, parameters = zip(
        *((n, p) for n, p in model.backbone.named_parameters() if p.requires_grad), strict=True
    )
    total = torch.zeros(())
    for task in rows.tasks:
        loss = found.loss(task, logits[task], ())[f"{task}_loss"] * model.task_weights_of[task]
        own = torch.autograd.grad(loss, maps, retain_graph=True, materialize_grads=True)
        matrix.append(torch.cat([g.flatten() for g in own]))
        total = total + loss
    combined = expected_of(torch.stack(matrix)).split([m.numel() for m in maps])
    # behind the branch point the plain sum, before it what is combined
    behind = torch.autograd.grad(total, parameters, retain_graph=True, materialize_grads=True)
    plain = torch.autograd.grad(total, maps, retain_graph=True, materialize_grads=True)
    difference = [c.view_as(p) - p for c, p in zip(combined, plain, strict=True)]
    before = torch.autograd.grad(maps, parameters, difference, materialize_grads=True)
    return {n: a + b for n, a, b in zip(names, behind, before, strict=True)}


@pytest.mark.parametrize("network", ["Swin, last blocks", "Swin, no plan"])
@pytest.mark.parametrize("tasks", [MIXED, [("depth",), ("scene", "depth")]])
def test_shared_maps_get_what_torchjd_makes_of_their_gradients(network: str, tasks: list) -> None:
    model = make(NETWORKS[network], "TaskByTask", **UPGRAD)
    found, _ = gradients(model, [tasks])
    for name, expected in by_hand(reference(network), tasks).items():
        torch.testing.assert_close(
            found[f"backbone.{name}"], expected, rtol=1e-5, atol=1e-7, msg=name
        )


def test_one_present_task_is_trained_as_without_balancing() -> None:
    tasks = [("depth",), ("depth",)]
    network = NETWORKS["Swin, last blocks"]
    fixed, _ = gradients(make(network, "TaskByTask"), [tasks])
    found, _ = gradients(
        make(network, "TaskByTask", balancing=dict(type="PCGrad", at="features")), [tasks]
    )
    for name, gradient in fixed.items():
        torch.testing.assert_close(found[name], gradient, msg=name)


def test_loss_scaling_and_accumulation() -> None:
    network, batches = NETWORKS["Swin, last blocks"], [MIXED, [("depth",), ("scene",)]]
    wanted, _ = gradients(make(network, "TaskByTask", **UPGRAD), batches)
    found, _ = gradients(make(network, "TaskByTask", **UPGRAD), batches, wrapper=Scaled)
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-6, atol=1e-8, msg=name)


def test_nothing_shared_is_refused() -> None:
    with pytest.raises(ValueError, match=r"UPGrad: at='features'.*conditions the first block"):
        make_model(PLANS["attention"], **UPGRAD, **BY_TASK)
    frozen = NETWORKS["Swin, frozen"]
    with pytest.raises(ValueError, match=r"at='features': no part.*before the branch point is"):
        gradients(make(frozen, "TaskByTask", **UPGRAD), [MIXED])
