"""Partly labelled batches of any pattern: losses and gradients are those of a plain loop."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from mtlplugins.models import MultiTaskModel, fold
from mtlplugins.models.rows import AllRows, SomeRows
from mtlplugins.structures import MultiTaskDataSample
from tests.faults.properties._examples import examples
from tests.models._encoders import ENCODERS, resnet_model, shaken, swin_model
from tests.models._models import TASKS, images, make_sample

pytestmark = pytest.mark.faults

SIZE = (16, 24)
WEIGHTS = dict(semantic=5.0, depth=0.5, scene=2.0)
#: Conditioned from the first block on, behind a map that all tasks share, and not at all.
MODELS = ENCODERS | {
    "Swin, last block": (swin_model, dict(attention=(0, 1), adapter=(0, 1))),
    "ResNet, no plan": (resnet_model, None),
}
NAMES = pytest.mark.parametrize("encoder", MODELS)
some_tasks = st.lists(st.sampled_from(TASKS), unique=True, max_size=3)
patterns = st.lists(some_tasks, min_size=1, max_size=4).filter(any)


@cache
def model_of(encoder: str) -> MultiTaskModel:
    """In eval mode: statistics of a batch would make every image depend on the others."""
    make, plan = MODELS[encoder]
    model = shaken(make(plan)).double()
    model.balancing.task_weights = WEIGHTS
    return model


@st.composite
def batches(draw: st.DrawFn) -> list[MultiTaskDataSample]:
    """Samples with any of the targets each, these with any of their pixels invalid."""
    samples = []
    for number, tasks in enumerate(draw(patterns)):
        sample = make_sample(*tasks, size=SIZE, seed=number, name=f"{number}.png")
        generator = torch.Generator().manual_seed(number)
        for task, invalid in dict(semantic=255, depth=0.0).items():
            share = draw(st.sampled_from((0.0, 0.4, 1.0)))
            holes = torch.rand(1, *SIZE, generator=generator) < share
            if task in tasks:
                sample.target(task).data[holes] = invalid
        samples.append(sample)
    return samples


def logits_of(model: MultiTaskModel, x: Tensor, task: str) -> Tensor:
    """One image, one task."""
    return model.encode_decode(x[None], SomeRows({task: [0]}, 1))[task][0]


def plain_losses(
    model: MultiTaskModel, x: Tensor, samples: list[MultiTaskDataSample]
) -> dict[str, Tensor]:
    """Each (image, task) by itself; then the means over all pixels, or images, with truth."""
    values: dict[str, list[Tensor]] = {task: [] for task in TASKS}
    for task in TASKS:
        for image, sample in zip(x, samples, strict=True):
            target = sample.target(task)
            if target is None:
                continue
            logits = logits_of(model, image, task)
            if task == "scene":
                values[task].append(-logits.log_softmax(0)[target.label])
                continue
            logits = F.interpolate(logits[None], SIZE, mode="bilinear", align_corners=False)[0]
            if task == "semantic":
                there = target.data[0] != 255
                chosen = target.data.where(there, 0)
                values[task].append(-logits.log_softmax(0).gather(0, chosen)[0][there])
            else:
                # reciprocals are float32, whatever the model computes in
                there = target.data > 0
                reciprocal = logits.float().sigmoid() / 0.5
                values[task].append((reciprocal[there] - 1 / target.data[there]).abs())
    losses = {}
    for task, parts in values.items():
        errors = torch.cat(parts) if parts else x.new_zeros(0)
        if task == "depth" and len(errors):
            delta = 0.2 * errors.max().item()
            errors = errors.where(errors <= delta, (errors**2 + delta**2) / (2 * delta))
        losses[task] = WEIGHTS[task] * errors.sum() / max(len(errors), 1)
    return losses


def gradients(model: MultiTaskModel, losses: dict[str, Tensor]) -> dict[str, Tensor]:
    model.zero_grad()
    total = sum(value for value in losses.values() if value.requires_grad)
    total.backward()
    zero = torch.zeros(())
    return {n: zero if p.grad is None else p.grad.clone() for n, p in model.named_parameters()}


def check_same(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    for name, value in wanted.items():
        value = value.expand_as(found[name])
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5, check_dtype=False)


def losses_of(model: MultiTaskModel, x: Tensor, samples: list) -> dict[str, Tensor]:
    found = model.loss(x, samples)
    assert {n for n in found if n.endswith("loss")} == {f"{task}_loss" for task in TASKS}
    weights = model.balancing({task: found[f"{task}_loss"] for task in TASKS})
    return {task: weights[task] * found[f"{task}_loss"] for task in TASKS}


@NAMES
@examples(15)
@given(samples=batches())
def test_losses_are_those_of_a_plain_loop(encoder: str, samples: list) -> None:
    model, x = model_of(encoder), images(len(samples), SIZE).double()
    found, wanted = losses_of(model, x, samples), plain_losses(model, x, samples)
    check_same(found, wanted)
    check_same(gradients(model, found), gradients(model, wanted))


@NAMES
@examples(15)
@given(samples=batches(), data=st.data())
def test_the_order_of_a_batch_does_not_matter(
    encoder: str, samples: list, data: st.DataObject
) -> None:
    model, x = model_of(encoder), images(len(samples), SIZE).double()
    order = data.draw(st.permutations(range(len(samples))))
    found = losses_of(model, x, samples)
    turned = losses_of(model, x[order], [samples[i] for i in order])
    check_same(turned, found)
    check_same(gradients(model, turned), gradients(model, found))


@NAMES
@examples(15)
@given(samples=batches(), data=st.data())
def test_a_target_may_come_with_or_without_the_others_of_its_image(
    encoder: str, samples: list, data: st.DataObject
) -> None:
    """The same targets, dealt out over copies of their images in any way."""
    model, x = model_of(encoder), images(len(samples), SIZE).double()
    single, index = [], []
    for i, sample in enumerate(samples):
        for task in TASKS:
            if sample.target(task) is not None:
                alone = MultiTaskDataSample(metainfo=sample.metainfo)
                setattr(alone, f"gt_{task}", sample.target(task))
                single.append(alone)
                index.append(i)
    order = data.draw(st.permutations(range(len(single))))
    found = losses_of(model, x, samples)
    apart = losses_of(model, x[[index[i] for i in order]], [single[i] for i in order])
    check_same(apart, found)
    check_same(gradients(model, apart), gradients(model, found))


@NAMES
@examples(15)
@given(samples=batches())
def test_what_has_no_target_learns_nothing_from_a_batch(encoder: str, samples: list) -> None:
    model, x = model_of(encoder), images(len(samples), SIZE).double()
    found = losses_of(model, x, samples)
    missing = [t for t in TASKS if all(s.target(t) is None for s in samples)]
    model.zero_grad()
    sum(found.values()).backward()
    # a gradient for each that is trained, or a process with other targets would wait for it; the
    # layers beside `singular` are frozen
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert len(trained) > 50
    assert [name for name, p in trained.items() if p.grad is None] == []
    for task in missing:
        assert found[task].item() == 0
        own = [m[task] for m in (model.decoders, model.heads) if task in m]
        parameters = [p for module in own for p in module.parameters()]
        if model.task_embedding is not None:
            parameters.append(model.task_embedding.vectors[task])
        assert all(not p.grad.any() for p in parameters)


@NAMES
@examples(15)
@given(count=st.integers(1, 3), asked=some_tasks.filter(len), data=st.data())
@torch.no_grad()
def test_a_prediction_depends_on_its_image_and_task_alone(
    encoder: str, count: int, asked: list[str], data: st.DataObject
) -> None:
    model = model_of(encoder)
    sizes = st.sampled_from((16, 32))
    x = images(count, data.draw(st.tuples(sizes, sizes))).double()
    together = model.encode_decode(x, AllRows(asked, count))
    assert list(together) == asked
    for task in asked:
        alone = torch.stack([logits_of(model, image, task) for image in x])
        torch.testing.assert_close(together[task], alone, rtol=1e-8, atol=1e-8)
    task = data.draw(st.sampled_from(asked))
    folded = fold(model, task)(x, mode="tensor")
    assert list(folded) == [task]
    torch.testing.assert_close(folded[task], together[task], rtol=1e-8, atol=1e-8)
