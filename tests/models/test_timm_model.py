"""The whole model with encoders of timm: training, folding, compilation."""

from __future__ import annotations

import pytest
import torch

from mtlplugins.models import fold
from mtlplugins.models.conditioning import FiLM, conditional_modules
from tests.models._encoders import shaken, timm_model
from tests.models._models import images, make_sample
from tests.models.backbones._timm import FAMILIES


@pytest.mark.parametrize("family", ["EVA-02", "MobileNetV4"])
def test_every_parameter_is_trained(family: str):
    model = timm_model(family, FAMILIES[family][2]).train()
    samples = [make_sample("semantic", "depth", "scene"), make_sample("depth", seed=1)]
    losses = model.loss(images(2), samples)
    sum(value for name, value in losses.items() if name.endswith("_loss")).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("family", ["DINOv3", "MobileNetV4"])
def test_folding_is_exact(family: str):
    model = shaken(timm_model(family, FAMILIES[family][2])).double()
    inputs = images(2, (32, 64)).double()
    with torch.no_grad():
        wanted = model(inputs, mode="tensor")["depth"]
        folded = fold(model, "depth")
        found = folded(inputs, mode="tensor")["depth"]
    torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8)
    assert wanted.std() > 1e-3
    assert conditional_modules(folded) == []
    assert not any(isinstance(module, FiLM) for module in folded.modules())
    again = fold(timm_model(family, FAMILIES[family][2]).double(), "depth")
    again.load_state_dict(folded.state_dict(), strict=True)
    with torch.no_grad():
        assert torch.equal(again(inputs, mode="tensor")["depth"], found)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ViT", "DINOv3", "MobileNetV4"])
def test_compilation_as_one_graph(family: str):
    model = shaken(timm_model(family, FAMILIES[family][2]))
    with torch.no_grad():
        wanted = model(images(2), mode="tensor")
        model.backbone.compile(backend="aot_eager", fullgraph=True)
        found = model(images(2), mode="tensor")
    for task, logits in wanted.items():
        torch.testing.assert_close(found[task], logits, rtol=1e-4, atol=1e-4)
