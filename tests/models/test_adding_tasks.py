"""Adding a task to a trained model leaves the others unchanged."""

from __future__ import annotations

import pytest
import torch
from mmengine.runner import load_checkpoint
from torch import Tensor

from mtlplugins.models import MultiTaskModel
from tests.models._models import PLANS, TASKS, images, make_model, make_sample, perturb_conditioning

OLD = ("semantic", "depth")


def trained(**settings) -> MultiTaskModel:
    model = make_model(PLANS["all three"], tasks=OLD, **settings)
    perturb_conditioning(model)
    return model


def outputs(model: MultiTaskModel) -> dict[str, Tensor]:
    model.eval()
    with torch.no_grad():
        return {task: model(images(2))[task] for task in OLD}


@pytest.mark.parametrize("global_embedding", [False, True])
def test_only_the_new_task_is_trained(tmp_path, global_embedding: bool):
    old = trained(global_embedding=global_embedding)
    torch.save({"state_dict": old.state_dict()}, tmp_path / "old.pth")
    new = make_model(
        PLANS["all three"], frozen_tasks=OLD, global_embedding=global_embedding, seed=1
    )
    load_checkpoint(new, str(tmp_path / "old.pth"))
    vectors = [old.task_embedding.vectors[task] for task in OLD]
    start = old.task_embedding.shared if global_embedding else sum(vectors) / 2
    torch.testing.assert_close(new.task_embedding["scene"], start)

    optimizer = torch.optim.AdamW(new.parameters(), lr=0.1, weight_decay=0.1)
    before = {name: p.clone() for name, p in new.named_parameters()}
    for step in range(2):
        new.train()
        samples = [make_sample(*TASKS, seed=step), make_sample(*TASKS, seed=step + 7)]
        losses = new.loss(images(2, seed=step), samples)
        assert set(losses) == {"scene_loss", "scene_acc"}
        optimizer.zero_grad()
        losses["scene_loss"].backward()
        optimizer.step()
    changed = {name for name, p in new.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {
        "task_embedding.vectors.scene", "heads.scene.mlp.0.weight", "heads.scene.mlp.0.bias",
    }  # fmt: skip
    for task, expected in outputs(old).items():
        # not to the bit: a matrix product may add up in another order where there are more rows
        torch.testing.assert_close(outputs(new)[task], expected, rtol=1e-5, atol=1e-6)


def test_frozen_batch_norms_stand_still():
    decoder = dict(type="ConvUNetDecoder", in_channels=(16, 32, 64, 128), channels=(8, 8, 8))
    heads = dict(
        semantic=dict(type="SegmentationHead", in_channels=8, num_classes=5),
        depth=dict(type="DepthHead", in_channels=8, min_depth=0.5, max_depth=10.0),
    )
    model = make_model(
        heads=heads, decoders=dict(semantic=decoder, depth=decoder), frozen_tasks=("semantic",)
    ).train()
    before = {name: b.clone() for name, b in model.named_buffers()}
    model.loss(images(2), [make_sample("depth"), make_sample("depth")])
    changed = {n for n, b in model.named_buffers() if not torch.equal(b, before[n])}
    assert changed
    assert all(name.startswith("decoders.depth.") for name in changed)


def test_a_batch_of_frozen_tasks_alone_trains_nothing():
    model = make_model(PLANS["all three"], frozen_tasks=OLD)
    losses = model.loss(images(2), [make_sample("depth"), make_sample("semantic")])
    assert losses == {"scene_loss": 0}
    losses["scene_loss"].backward()
    trained = {n: p.grad for n, p in model.named_parameters() if p.requires_grad}
    assert "task_embedding.vectors.scene" in trained
    assert all(not grad.any() for grad in trained.values())


def test_a_frozen_neck_stands_still():
    decoder = dict(type="ConvUNetDecoder", in_channels=(12,) * 4, channels=(8, 8, 8))
    model = make_model(
        neck=dict(
            type="FPN", in_channels=[16, 32, 64, 128], out_channels=12, num_outs=4,
            norm_cfg=dict(type="BN"),
        ),
        heads=dict(
            semantic=dict(type="SegmentationHead", in_channels=8, num_classes=5),
            depth=dict(type="DepthHead", in_channels=8, min_depth=0.5, max_depth=10.0),
        ),
        decoders=dict(semantic=decoder, depth=decoder),
        frozen_tasks=("semantic",),
    ).train()  # fmt: skip
    before = {name: b.clone() for name, b in model.neck.named_buffers()}
    assert before
    model.loss(images(2), [make_sample("depth"), make_sample("depth")])
    assert all(torch.equal(b, before[name]) for name, b in model.neck.named_buffers())
    assert not any(p.requires_grad for p in model.neck.parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("heads.depth.conv.weight"), r"lacks heads\.depth\.conv\.weight"),
        (
            lambda state: state.update({"backbone.norm0.weight": torch.zeros(3)}),
            r"another shape of backbone\.norm0\.weight",
        ),
    ],
)
def test_what_is_frozen_must_be_in_the_checkpoint(change, message: str):
    state = trained().state_dict()
    change(state)
    new = make_model(PLANS["all three"], frozen_tasks=OLD)
    with pytest.raises(ValueError, match=message):
        new.load_state_dict(state, strict=False)
    assert not new.frozen_tasks_loaded


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(frozen_tasks=("normals",)), "frozen_tasks: unknown task 'normals'"),
        (dict(frozen_tasks=TASKS), "leave one out"),
        (dict(global_embedding=True), "conditioned encoder"),
    ],
)
def test_errors(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        make_model(**settings)
