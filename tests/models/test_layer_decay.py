"""Layer-wise decay of learning rates: mmpretrain's and mmseg's constructors on our encoders."""

from __future__ import annotations

from types import SimpleNamespace

import mmpretrain.engine  # noqa: F401, registers
import mmseg.engine  # noqa: F401
import pytest
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmpretrain.models.backbones import SwinTransformer, VisionTransformer
from mmseg.registry import MODELS

from mtlplugins.compat import layer_decay
from tests.models._models import cond_swin

DEPTHS = (1, 1, 2, 1)
SWIN = dict(
    type="CondSwinTransformer", embed_dims=8, depths=DEPTHS, num_heads=(1, 1, 1, 1), window_size=4
)
CONV = dict(type="ConvUNetDecoder", in_channels=(8, 16, 32, 64), channels=(8, 8, 8))
CONSTRUCTORS = {
    "mmpretrain": ("mmpretrain.LearningRateDecayOptimWrapperConstructor", "layer_decay_rate"),
    "mmseg": ("mmseg.LearningRateDecayOptimizerConstructor", "decay_rate"),
}


def model(**backbone):
    return MODELS.build(
        dict(
            type="MultiTaskModel",
            backbone=SWIN | backbone,
            decoders=dict(depth=CONV),
            heads=dict(
                depth=dict(type="DepthHead", in_channels=8, min_depth=0.5, max_depth=10.0),
                scene=dict(type="ClassificationHead", in_channels=64, num_classes=3),
            ),
        )
    )


def wrapper(network, owner: str, **more):
    constructor, key = CONSTRUCTORS[owner]
    return build_optim_wrapper(
        network,
        dict(
            constructor=constructor,
            optimizer=dict(type="AdamW", lr=0.02, weight_decay=0.1),
            paramwise_cfg={key: 0.5, **more},
        ),
    )


def rates_by_name(network, optim_wrapper) -> dict[str, float]:
    names = {id(p): name for name, p in network.named_parameters()}
    return {
        names[id(p)]: group["lr"]
        for group in optim_wrapper.optimizer.param_groups
        for p in group["params"]
    }


#: Ratio of layers by hand: 5 blocks, so the patches are 6 layers below the heads.
EXPECTED = {
    "backbone.patch_embed.projection.weight": 0.5**6,
    "backbone.stages.0.blocks.0.attn.w_msa.qkv.weight": 0.5**5,
    "backbone.stages.0.downsample.reduction.weight": 0.5**5,
    "backbone.stages.2.blocks.0.norm1.weight": 0.5**3,
    "backbone.stages.2.blocks.1.norm1.weight": 0.5**2,
    "backbone.stages.3.blocks.0.ffn.layers.1.weight": 0.5,
    "backbone.norm3.weight": 1.0,
    "decoders.depth": 1.0,
    "heads.scene": 1.0,
    "task_embedding": 1.0,
}


@pytest.mark.parametrize("owner", CONSTRUCTORS)
@pytest.mark.parametrize("plan", [None, dict(attention=(0, 0, 1, 1), embed_dims=4)])
def test_the_rates_that_train_are_those_of_the_layers_under_one_cycle(owner: str, plan):
    network = model(plan=plan)
    optim_wrapper = wrapper(network, owner)
    schedule = dict(type="OneCycleLR", eta_max=0.5, total_steps=6, by_epoch=False)
    scheduler = PARAM_SCHEDULERS.build(dict(schedule, optimizer=optim_wrapper))
    for _ in range(5):
        rates = rates_by_name(network, optim_wrapper)
        assert set(rates) == {name for name, _ in network.named_parameters()}
        base = rates["backbone.norm3.weight"]
        ratios = {name: rate / base for name, rate in rates.items()}
        for start, ratio in EXPECTED.items():
            matching = [value for name, value in ratios.items() if name.startswith(start)]
            assert matching or (start == "task_embedding" and plan is None), start
            assert matching == pytest.approx([ratio] * len(matching), rel=1e-6), start
        optim_wrapper.optimizer.step()
        scheduler.step()


def test_mmseg_constructor_says_the_ratios_and_a_wrong_number_of_layers(monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(layer_decay, "print_log", lambda line, **_: lines.append(line))
    groups = wrapper(model(), "mmseg", num_layers=12).optimizer.param_groups
    assert "num_layers=12, but CondSwinTransformer has 5 blocks" in lines[0]
    for group in groups:
        assert f"{group['group_name']} {group['lr'] / 0.02:.4g}" in lines[1]
        decays = "no_decay" not in group["group_name"]
        assert group["weight_decay"] == (0.1 if decays else 0.0)
        assert all((p.ndim > 1) == decays for p in group["params"] if p.ndim != 2)


def test_layers_are_those_of_mmpretrain_for_swin_and_vit():
    swin = cond_swin(depths=DEPTHS)
    theirs = SimpleNamespace(depths=DEPTHS)
    names = [name for name, _ in swin.named_parameters()]
    assert len(names) > 50
    for name in names:
        assert swin.get_layer_depth(f"b.{name}", "b.") == SwinTransformer.get_layer_depth(
            theirs, f"b.{name}", "b."
        ), name
    arch = dict(embed_dims=8, num_layers=3, num_heads=2, feedforward_channels=16)
    vit = MODELS.build(dict(type="CondVisionTransformer", arch=arch, img_size=32, patch_size=16))
    for name, _ in vit.named_parameters():
        assert vit.get_layer_depth(name) == VisionTransformer.get_layer_depth(
            SimpleNamespace(num_layers=3), name
        ), name


def test_layers_of_a_resnet_are_its_blocks():
    resnet = MODELS.build(dict(type="CondResNet", depth=18, base_channels=4, stem_channels=4))
    layers = {name: resnet.get_layer_depth(name) for name, _ in resnet.named_parameters()}
    assert {count for _, count in layers.values()} == {8 + 2}
    assert layers["conv1.weight"][0] == layers["bn1.bias"][0] == 0
    assert layers["layer1.1.conv2.weight"][0] == 2
    assert layers["layer2.0.downsample.0.weight"][0] == 3
    assert layers["layer4.1.bn2.weight"][0] == 8
    assert resnet.get_layer_depth("heads.x", "backbone.") == (9, 10)


@pytest.mark.parametrize("owner", CONSTRUCTORS)
def test_an_encoder_without_layers_is_refused_with_the_way_out(owner: str):
    network = model()
    network.backbone = MODELS.build(dict(type="ResNet", depth=18))
    with pytest.raises(ValueError, match=r"ResNet does not tell them .*custom_keys=dict\(backbone"):
        wrapper(network, owner)


@pytest.mark.parametrize("more", [dict(decay_type="stage_wise"), dict(decay_rate=0)])
def test_mmseg_constructor_with_other_settings_is_refused(more: dict):
    with pytest.raises(ValueError, match="takes decay_type='layer_wise' and a positive"):
        wrapper(model(), "mmseg", **more)
