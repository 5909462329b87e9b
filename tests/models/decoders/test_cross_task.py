"""Attention between the tasks' maps against a loop over windows, and a model that has it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mtlplugins.analysis.affinity.shared_parts import shared_parts
from mtlplugins.models import (
    CrossTaskAttention,
    DeployedModel,
    MultiTaskDataPreprocessor,
    MultiTaskModel,
    fold,
)
from mtlplugins.models.rows import AllRows, Rows, SomeRows
from tests.models._models import images, make_model, make_sample, perturb

EXCHANGE = dict(type="CrossTaskAttention", channels=16, num_heads=2, window_size=4)


def shaken(**settings: object) -> MultiTaskModel:
    model = make_model(exchange=EXCHANGE, **settings)
    assert model.exchange is not None
    perturb(model.exchange.parameters())
    return model.eval()


def by_loops(module: CrossTaskAttention, maps: dict[str, Tensor], image: int) -> dict[str, Tensor]:
    """Exchange between the maps (C, H, W) of one image, window by window and head by head."""
    w, heads = module.window_size, module.num_heads
    height, width = next(iter(maps.values())).shape[1:]
    found = {task: x.clone() for task, x in maps.items()}
    for top in range(0, height, w):
        for left in range(0, width, w):
            tokens = []
            for task, x in maps.items():
                window = torch.zeros(w, w, module.channels)
                part = module.norms[task](x[:, top : top + w, left : left + w].permute(1, 2, 0))
                window[: part.shape[0], : part.shape[1]] = part
                tokens.append(window.flatten(0, 1) + module.task_vectors[task] + module.places)
            q, k, v = module.qkv(torch.cat(tokens)).chunk(3, dim=1)
            size = module.channels // heads
            parts = []
            for h in range(heads):
                own = slice(h * size, (h + 1) * size)
                weights = (q[:, own] @ k[:, own].T / size**0.5).softmax(dim=1)
                parts.append(weights @ v[:, own])
            out = module.proj(torch.cat(parts, dim=1))
            for index, task in enumerate(maps):
                y = out[index * w * w : (index + 1) * w * w].view(w, w, -1) * module.gates[task]
                y = y[: height - top, : width - left].permute(2, 0, 1)
                found[task][:, top : top + w, left : left + w] += y
    return found


@pytest.mark.parametrize(
    "rows",
    [
        AllRows(("a", "b", "c"), 3),
        SomeRows({"a": [0, 2], "b": [0, 1], "c": [0]}, 3),
        SomeRows({"a": [], "b": [0, 2]}, 3),  # a task that only another rank has
    ],
    ids=["all rows", "some rows", "an empty task"],
)
@torch.no_grad()
def test_against_loops(rows: Rows) -> None:
    torch.manual_seed(0)
    module = CrossTaskAttention(("a", "b", "c"), 8, num_heads=2, window_size=4)
    perturb(module.parameters())
    images_of = rows.images if isinstance(rows, SomeRows) else {t: [0, 1, 2] for t in rows.tasks}
    maps = {task: torch.randn(len(own), 8, 7, 9) for task, own in images_of.items()}
    found = module(maps, rows)
    for image in {i for own in images_of.values() for i in own}:
        own = {t: maps[t][i.index(image)] for t, i in images_of.items() if image in i}
        for task, wanted in by_loops(module, own, image).items():
            x = found[task][images_of[task].index(image)]
            torch.testing.assert_close(x, wanted, rtol=1e-4, atol=1e-5)
    assert {task: x.shape for task, x in found.items()} == {t: x.shape for t, x in maps.items()}


@torch.no_grad()
def test_a_fresh_model_is_the_plain_one() -> None:
    plan = dict(norm=(0, 0, 1, 1))
    plain, model = make_model(plan).eval(), make_model(plan, exchange=EXCHANGE).eval()
    left = model.load_state_dict(plain.state_dict(), strict=False)
    assert left.missing_keys
    assert all(key.startswith("exchange.") for key in left.missing_keys)
    inputs = images(2, (40, 56))
    wanted, found = plain(inputs), model(inputs)
    for task, logits in wanted.items():
        assert torch.equal(found[task], logits), task


@torch.no_grad()
def test_predictions_depend_on_the_tasks_asked_for() -> None:
    model, inputs = shaken(), images(1)
    both = model.encode_decode(inputs, AllRows(("semantic", "depth", "scene"), 1))
    same = model.encode_decode(inputs, AllRows(("semantic", "depth"), 1))
    alone = model.encode_decode(inputs, AllRows(("semantic",), 1))
    assert torch.equal(both["semantic"], same["semantic"])  # the scene has no map
    assert not torch.allclose(both["semantic"], alone["semantic"], atol=1e-3)
    scene = model.encode_decode(inputs, AllRows(("scene",), 1))
    assert torch.equal(both["scene"], scene["scene"])
    # a graph has all tasks, whatever is asked for elsewhere
    model.test_cfg["tasks"] = ["semantic"]
    model.data_preprocessor = MultiTaskDataPreprocessor(bgr_to_rgb=True)
    graph = DeployedModel(model)
    assert graph.tasks == ("semantic", "depth", "scene")
    wanted = model.heads["depth"].postprocess(both["depth"])
    torch.testing.assert_close(graph(inputs)[1], wanted)


def test_partly_labelled_batches_reach_every_parameter() -> None:
    model = shaken(plan=dict(norm="all")).train()
    exchange = model.exchange
    assert exchange is not None
    # one image with both maps, one with depth alone, one without a map
    samples = [make_sample("semantic", "depth"), make_sample("depth"), make_sample("scene")]
    total, _ = model.parse_losses(model.loss(images(3), samples))
    total.backward()
    for name, p in exchange.named_parameters():
        assert p.grad is not None, name
        assert p.grad.abs().sum() > 0, name
    # a batch without one of the tasks, and one without any map
    for tasks, moved in ((("semantic",), True), (("scene",), False)):
        model.zero_grad()
        losses = model.loss(images(2), [make_sample(*tasks), make_sample(*tasks)])
        model.parse_losses(losses)[0].backward()
        assert bool(exchange.gates["semantic"].grad.abs().sum() > 0) is moved
        assert exchange.gates["depth"].grad.abs().sum() == 0  # but DDP gets a gradient


def test_what_goes_without_exchange_is_refused() -> None:
    with pytest.raises(ValueError, match=r"TaskByTask.*needs the maps of the others: take"):
        make_model(exchange=EXCHANGE, step=dict(type="TaskByTask"))
    with pytest.raises(ValueError, match=r"take model\.step=dict"):  # which is refused
        make_model(exchange=EXCHANGE, balancing=dict(type="UPGrad"))
    with pytest.raises(ValueError, match=r"frozen_tasks=\('depth',\) would not stay as they are"):
        make_model(exchange=EXCHANGE, frozen_tasks=("depth",))
    with pytest.raises(ValueError, match="two tasks with a decoder to exchange maps, not semantic"):
        make_model(exchange=EXCHANGE, tasks=("semantic", "scene"))
    with pytest.raises(ValueError, match="num_heads=3 must divide channels=16"):
        make_model(exchange=EXCHANGE | dict(num_heads=3))
    with pytest.raises(ValueError, match="window_size=0: give 1 or more"):
        make_model(exchange=EXCHANGE | dict(window_size=0))
    model = make_model(exchange=EXCHANGE)
    with pytest.raises(ValueError, match=r"cannot fold for task 'depth': by model\.exchange"):
        fold(model, "depth")
    with pytest.raises(ValueError, match="a task has no gradient of its own"):
        shared_parts(model)


def test_maps_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="channels=8, but the decoder of 'semantic' gives 16"):
        make_model(exchange=EXCHANGE | dict(channels=8))(images(1))
    module = CrossTaskAttention(("a", "b"), 8)
    maps = dict(a=torch.zeros(1, 8, 4, 4), b=torch.zeros(1, 8, 4, 5))
    with pytest.raises(ValueError, match=r"'b' gives maps of \(4, 5\), that of 'a' of \(4, 4\)"):
        module(maps, AllRows(("a", "b"), 1))
