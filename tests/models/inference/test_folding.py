"""One task's plain model predicts what the conditioned one predicts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from mtlplugins.models import MultiTaskModel, fold
from mtlplugins.models.conditioning import Adapter, FiLM, conditional_modules
from tests.models._encoders import ENCODERS, resnet_model, shaken
from tests.models._models import PLANS, TASKS, images, make_model, make_sample
from tests.models.backbones import _vit
from tests.models.backbones.test_cond_resnet import PLANS as RESNET_PLANS
from tests.models.test_vit_model import vit_model

CASES = [
    *(pytest.param(make_model, plan, id=f"Swin, {name}") for name, plan in PLANS.items()),
    *(pytest.param(vit_model, plan, id=f"ViT, {name}") for name, plan in _vit.PLANS.items()),
    *(pytest.param(resnet_model, plan, id=f"ResNet, {n}") for n, plan in RESNET_PLANS.items()),
]


@pytest.mark.parametrize(("make", "plan"), CASES)
def test_folding_is_exact(make: Callable[..., MultiTaskModel], plan: dict):
    model = shaken(make(plan)).double()
    inputs = images(2, (40, 56)).double()  # no multiple of the windows, other than ViT's img_size
    untouched = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        wanted = model(inputs, mode="tensor")
        for task in TASKS:
            logits = fold(model, task)(inputs, mode="tensor")
            assert logits.keys() == {task}
            torch.testing.assert_close(logits[task], wanted[task], rtol=0, atol=1e-10)
    assert wanted["depth"].std() > 1e-3
    for name, value in model.state_dict().items():
        assert torch.equal(value, untouched[name]), name


@pytest.mark.parametrize("encoder", ENCODERS)
def test_nothing_conditional_is_left(encoder: str):
    make, plan = ENCODERS[encoder]
    model = shaken(make(plan))
    blocks = [block for stage in model.backbone._block_stages() for block in stage]
    folded = fold(model, "depth")
    assert conditional_modules(model)
    assert conditional_modules(folded) == []
    assert not any(isinstance(module, FiLM) for module in folded.modules())
    assert folded.task_embedding is folded.backbone.plan is folded.backbone.branch_point is None
    assert sum(isinstance(module, Adapter) for module in folded.modules()) == len(blocks)
    # but for adapters and prompts, the parameters are the plain encoder's by name
    plain = {name for name, _ in make(None).backbone.named_parameters()}
    ours = {name for name, _ in folded.backbone.named_parameters()}
    ours = {name for name in ours if ".adapter." not in name and ".prompts." not in name}
    assert ours == plain
    assert set(folded.heads) == set(folded.decoders) == {"depth"}
    assert not folded.training
    assert not any(p.requires_grad for p in folded.parameters())
    # tasks differ, or folding for the wrong one would not be seen
    maps = [fold(model, task).extract_feat(images(1))[-1] for task in TASKS]
    assert all((maps[0] - other).abs().mean() > 1e-2 for other in maps[1:])


@pytest.mark.parametrize("encoder", ENCODERS)
def test_predictions_are_the_same(encoder: str):
    make, plan = ENCODERS[encoder]
    model = shaken(make(plan)).double()
    model.test_cfg["tasks"] = ["scene", "semantic"]
    inputs, samples = images(2).double(), [make_sample(size=(48, 40)) for _ in range(2)]
    with torch.no_grad():
        wanted = model.predict(inputs, [make_sample(size=(48, 40)) for _ in range(2)])
        folded = fold(model, "semantic").predict(inputs, samples)
        scenes = fold(model, "scene").predict(inputs)
    for sample, scene, both in zip(folded, scenes, wanted, strict=True):
        assert sample.keys() == ["pred_semantic"]
        assert sample.pred_semantic.data.shape == (1, 48, 40)
        assert torch.equal(sample.pred_semantic.data, both.pred_semantic.data)
        assert scene.keys() == ["pred_scene"]
        torch.testing.assert_close(scene.pred_scene.score, both.pred_scene.score)


def test_the_state_of_a_folded_model_loads_into_one_folded_of_the_same_config():
    plan = PLANS["all three"]
    folded = fold(shaken(make_model(plan)), "depth")
    other = fold(make_model(plan, seed=1), "depth")
    other.load_state_dict(folded.state_dict(), strict=True)
    with torch.no_grad():
        a, b = (model(images(1), mode="tensor")["depth"] for model in (folded, other))
    assert torch.equal(a, b)


def test_a_model_without_a_plan_keeps_the_task_alone():
    model = resnet_model(None).eval()
    with torch.no_grad():
        wanted = model(images(1), mode="tensor")["scene"]
        assert torch.equal(fold(model, "scene")(images(1), mode="tensor")["scene"], wanted)
    assert not fold(model, "scene").decoders


def test_vit_with_blocks_of_tokens_stays_tied_to_its_size():
    backbone = dict(
        type="CondVisionTransformer",
        attention_block_size=3,
        plan=dict(attention="all", embed_dims=8),
        **_vit.VIT | dict(out_indices=(3,)),
    )
    heads = dict(scene=dict(type="ClassificationHead", in_channels=16, num_classes=3))
    model = shaken(make_model(backbone=backbone, decoders={}, heads=heads))
    folded = fold(model, "scene")
    with torch.no_grad():
        wanted = model(images(1), mode="tensor")["scene"]
        torch.testing.assert_close(folded(images(1), mode="tensor")["scene"], wanted)
        with pytest.raises(ValueError, match="tied to the 4 x 4 patches"):
            folded(images(1, (32, 64)), mode="tensor")


def test_a_norm_without_gain_is_refused():
    norm = dict(type="BN", affine=False)
    model = resnet_model(dict(norm="all"), norm_cfg=norm, zero_init_residual=False)
    with pytest.raises(ValueError, match="affine=True"):
        fold(model, "depth")


def test_an_unknown_task_is_named():
    with pytest.raises(ValueError, match=r"'normals'; tasks of this model: semantic, depth, scene"):
        fold(resnet_model(None), "normals")
