"""The whole model with a Vision Transformer, whose maps a neck turns into a pyramid."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mtlplugins.models.conditioning import conditional_modules
from tests.models._models import images, make_model, make_sample, perturb_conditioning
from tests.models.backbones._vit import PLANS, VIT

DECODER = dict(type="ConvUNetDecoder", in_channels=(12,) * 4, channels=(8, 8, 8))


def vit_model(plan: dict | None) -> nn.Module:
    return make_model(
        None,
        backbone=dict(
            type="CondVisionTransformer",
            plan=plan and dict(embed_dims=8) | plan,
            **VIT | dict(out_indices=(0, 1, 2, 3)),
        ),
        neck=dict(
            type="MultiLevelNeck", in_channels=[16] * 4, out_channels=12, scales=[4, 2, 1, 0.5]
        ),
        decoders=dict.fromkeys(("semantic", "depth"), DECODER),
        heads=dict(
            semantic=dict(type="SegmentationHead", in_channels=8, num_classes=5),
            depth=dict(type="DepthHead", in_channels=8, min_depth=0.5, max_depth=10.0),
            scene=dict(type="ClassificationHead", in_channels=12, num_classes=3),
        ),
    )


@pytest.mark.parametrize("plan", [None, *PLANS.values()], ids=["plain", *PLANS])
def test_model_trains_and_predicts_at_any_size(plan: dict | None):
    model = vit_model(plan).train()
    samples = [make_sample("semantic", "depth", "scene"), make_sample("depth", seed=1)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    before = {id(p): p.detach().clone() for p in model.parameters()}
    totals = []
    for _ in range(2):
        losses = model.loss(images(2), samples)
        total = sum(value for name, value in losses.items() if name.endswith("_loss"))
        optimizer.zero_grad()
        total.backward()
        totals.append(total.item())
        if len(totals) == 1:
            idle = [n for n, p in model.named_parameters() if p.grad is None]
            assert idle == []
            optimizer.step()
    assert totals[1] < totals[0]
    if plan:
        assert all(p.grad.abs().sum() > 0 for p in model.task_embedding.parameters())
    for module in conditional_modules(model):
        assert any(not torch.equal(p, before[id(p)]) for p in module.parameters())
    model.eval()
    with torch.no_grad():
        predicted = model.predict(images(1, (32, 64)))
    assert predicted[0].pred_semantic.data.shape == (1, 32, 64)
    assert predicted[0].pred_depth.data.shape == (1, 32, 64)
    assert "pred_scene" in predicted[0]


def test_a_task_is_predicted_the_same_with_and_without_the_others():
    model = vit_model(PLANS["last blocks"]).eval()
    perturb_conditioning(model)
    x = images(2)
    with torch.no_grad():
        all_tasks = model.predict(x)
        model.test_cfg["tasks"] = ("depth",)
        alone = model.predict(x)
    for a, b in zip(all_tasks, alone, strict=True):
        assert "pred_semantic" not in b
        torch.testing.assert_close(b.pred_depth.data, a.pred_depth.data, rtol=1e-5, atol=1e-5)
