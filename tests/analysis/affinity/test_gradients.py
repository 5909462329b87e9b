"""Gradients, their products and the look-ahead, against plain autograd on a small model."""

from __future__ import annotations

import re
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from mtlplugins.analysis.affinity.gradients import gradient_row, scalar_products
from mtlplugins.analysis.affinity.look_ahead import look_ahead
from mtlplugins.analysis.affinity.shared_parts import shared_parts
from mtlplugins.analysis.training_batches import Batch
from mtlplugins.models import MultiTaskModel
from mtlplugins.structures import MultiTaskDataSample
from tests.analysis.affinity.tiny import TASKS, tiny_batch, tiny_model
from tests.models._models import conditional_names


@pytest.fixture(scope="module")
def model() -> MultiTaskModel:
    return tiny_model()


def only(task: str, batch: Batch) -> list[MultiTaskDataSample]:
    samples = deepcopy(list(batch.samples))
    for sample in samples:
        for other in set(TASKS) - {task}:
            sample.pop(f"gt_{other}", None)
    return samples


def plain_gradients(model: MultiTaskModel, task: str, batch: Batch) -> dict[str, Tensor]:
    """By the model's own loss of a batch in which the images have this target alone."""
    model.zero_grad()
    model.loss(batch.images, only(task, batch))[f"{task}_loss"].backward()
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
        for name, p in model.backbone.named_parameters()
    }


@pytest.mark.parametrize("task", TASKS)
def test_a_row_is_the_gradient_of_the_task_s_loss(model: MultiTaskModel, task: str) -> None:
    batch = tiny_batch()
    shared = shared_parts(model)
    names = [name for name, _ in model.backbone.named_parameters()]
    row = gradient_row(model, shared, task, batch)
    expected = plain_gradients(model, task, batch)
    assert shared.size == sum(map(Tensor.numel, expected.values()))
    for name, found in zip(names, shared.views(row), strict=True):
        torch.testing.assert_close(found, expected[name], rtol=1e-9, atol=1e-12)
    assert row.norm() > 1e-3


def test_products_of_each_part(model: MultiTaskModel) -> None:
    """The parts are found by the names of parameters, the halves by hand."""
    batch = tiny_batch()
    products = scalar_products(model, shared_parts(model), TASKS, batch)
    halves = [Batch(batch.images[i::2], batch.samples[i::2]) for i in (0, 1)]
    gradients = [[plain_gradients(model, task, half) for task in TASKS] for half in halves]
    conditional = conditional_names(model.backbone)
    parts = {
        "all": list(gradients[0][0]),
        "conditional parts": sorted(conditional),
        "stage 4, conditional parts": [n for n in sorted(conditional) if n.startswith("stages.3")],
        "outside the blocks": [n for n in gradients[0][0] if "blocks" not in n],
    }
    for stage in range(4):
        names = [n for n in gradients[0][0] if n.startswith(f"stages.{stage}.blocks")]
        parts[f"stage {stage + 1}"] = [n for n in names if n not in conditional]
    parts["stage 3, block 2"] = [n for n in parts["stage 3"] if re.match(r"stages.2.blocks.1", n)]
    for part, names in parts.items():
        rows = [
            torch.cat([found[name].flatten() for name in names])
            for half in gradients
            for found in half
        ]
        expected = torch.stack([torch.stack([a @ b for b in rows]) for a in rows])
        found = products[part].reshape(6, 6)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-9)
    total = sum(products[p] for p in ("conditional parts", "outside the blocks"))
    total = total + sum(products[f"stage {i}"] for i in range(1, 5))
    torch.testing.assert_close(total, products["all"])


def test_a_task_without_targets_has_no_products(model: MultiTaskModel) -> None:
    batch = tiny_batch("semantic", "scene")
    found = scalar_products(model, shared_parts(model), TASKS, batch)["all"]
    assert found[:, 1].isnan().all()
    assert found[:, :, :, 1].isnan().all()
    assert found[:, [0, 2]][:, :, :, [0, 2]].isfinite().all()


def test_look_ahead_against_a_copy_that_takes_the_step(model: MultiTaskModel) -> None:
    batch = tiny_batch(seed=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = look_ahead(model, shared_parts(model), TASKS, batch, step=1e-3)
    for i, task in enumerate(TASKS):
        copy = deepcopy(model)
        gradients = plain_gradients(copy, task, batch)
        parameters = nn.utils.parameters_to_vector(copy.backbone.parameters())
        direction = torch.cat([g.flatten() for g in gradients.values()])
        stepped = parameters - 1e-3 * parameters.norm() * direction / direction.norm()
        nn.utils.vector_to_parameters(stepped.detach(), copy.backbone.parameters())
        for j, other in enumerate(TASKS):
            losses = [
                m.loss(batch.images, only(other, batch))[f"{other}_loss"] for m in (model, copy)
            ]
            expected = 100 * (1 - float((losses[1] / losses[0]).detach()))
            assert float(found[i, j]) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert (found.diagonal() > 0).all()  # a step for a task helps it
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert (
        look_ahead(model, shared_parts(model), TASKS, tiny_batch("depth"), step=1e-3)[0]
        .isnan()
        .all()
    )


def test_a_frozen_encoder_is_refused() -> None:
    model = tiny_model()
    model.backbone.requires_grad_(False)
    with pytest.raises(ValueError, match="encoder and neck are frozen"):
        shared_parts(model)
