"""The step hands each task's gradient of the shared parameters to the balancing method."""

from __future__ import annotations

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import Tensor
from torchjd import aggregation
from torchjd.linalg import QuadprogProjector

from mtlplugins.models import MultiTaskModel
from tests.models._models import PLANS, TASKS, make_model
from tests.models.steps.test_task_by_task import MIXED, NETWORKS, batch, gradients, make

UPGRAD = dict(balancing=dict(type="UPGrad"))


def shared_names(model: MultiTaskModel) -> list[str]:
    found = model.named_parameters()
    return [n for n, p in found if n.startswith(("backbone.", "neck.")) and p.requires_grad]


def rows_of(model: MultiTaskModel, tasks: list[tuple[str, ...]], number: int = 0) -> Tensor:
    """The tasks' gradients by plain backward passes through the losses of all rows."""
    losses = model.loss(**batch(tasks, number))
    own = dict(model.named_parameters())
    parameters = [own[name] for name in shared_names(model)]
    rows = []
    for task in model.trained_tasks:
        loss = model.task_weights_of[task] * losses[f"{task}_loss"]
        found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        parts = [
            torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)
        ]
        rows.append(torch.cat([part.flatten() for part in parts]))
    return torch.stack(rows)


def expected_of(rows: Tensor) -> Tensor:
    present = rows[rows.norm(dim=1) > 0]
    return aggregation.UPGrad(projector=QuadprogProjector(norm_eps=0.0, reg_eps=1e-14))(present)


def flat(found: dict[str, Tensor], model: MultiTaskModel) -> Tensor:
    return torch.cat([found[name].flatten() for name in shared_names(model)])


def reference(network: str) -> MultiTaskModel:
    model = make(NETWORKS[network], "AllTasks")
    model.task_weights_of = {task: model.balancing.task_weights.get(task, 1.0) for task in TASKS}
    return model


@pytest.mark.parametrize("network", ["Swin, all", "Swin, last blocks", "Swin, no plan"])
@pytest.mark.parametrize("tasks", [MIXED, [("depth",), ("scene", "depth")]])
def test_shared_parameters_get_what_torchjd_makes_of_plain_gradients(network, tasks) -> None:
    model = make(NETWORKS[network], "TaskByTask", **UPGRAD)
    found, logged = gradients(model, [tasks])
    expected = expected_of(rows_of(reference(network), tasks))
    torch.testing.assert_close(flat(found, model), expected, rtol=1e-5, atol=1e-7)
    # the rest is trained as without balancing
    fixed, fixed_log = gradients(make(NETWORKS[network], "TaskByTask"), [tasks])
    for name in fixed.keys() - set(shared_names(model)):
        torch.testing.assert_close(found[name], fixed[name], msg=name)
    shares = {name: value for name, value in logged[0].items() if name.endswith("_share")}
    assert len(shares) == len(TASKS)
    rest = {name: value for name, value in logged[0].items() if name not in shares}
    assert rest == pytest.approx(fixed_log[0])


def test_accumulated_batches_add_up_after_aggregation() -> None:
    network = "Swin, last blocks"
    model = make(NETWORKS[network], "TaskByTask", **UPGRAD)
    found, _ = gradients(model, [MIXED, [("depth",), ("scene", "depth")]])
    parts = [
        expected_of(rows_of(reference(network), tasks, number))
        for number, tasks in enumerate([MIXED, [("depth",), ("scene", "depth")]])
    ]
    torch.testing.assert_close(flat(found, model), sum(parts) / 2, rtol=1e-5, atol=1e-7)


def test_an_update_trains_everything() -> None:
    model = make(NETWORKS["Swin, last blocks"], "TaskByTask", balancing=dict(type="PCGrad"))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    wrapper = OptimWrapper(
        torch.optim.Adam(model.parameters(), lr=1e-3), clip_grad=dict(max_norm=1)
    )
    model.train_step(batch(MIXED), wrapper)
    same = [name for name, p in model.named_parameters() if torch.equal(before[name], p)]
    assert same == []


def test_errors() -> None:
    by_task = dict(step=dict(type="TaskByTask"))
    with pytest.raises(ValueError, match=r"UPGrad combines gradients.*step=.*'TaskByTask'"):
        make_model(PLANS["attention"], **UPGRAD)
    with pytest.raises(ValueError, match=r"UPGrad combines the tasks' gradients.*is frozen"):
        make_model(PLANS["attention"], **UPGRAD, **by_task, frozen_tasks=("depth",))
    with pytest.raises(ValueError, match=r"UPGrad weights tasks against each other.*'depth' is"):
        make_model(PLANS["attention"], **UPGRAD, **by_task, tasks=("depth",))
