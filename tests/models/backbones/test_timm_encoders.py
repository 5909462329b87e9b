"""timm's models as shared encoders, through the wrappers of mmseg and mmpretrain."""

from __future__ import annotations

import pytest
import timm
import torch
from mmseg.registry import MODELS

from mtlplugins.models import MultiTaskModel
from tests.models._models import CLASSES, images, make_model, make_sample

SIZE = (64, 64)
#: Settings of a small model, and its maps' channels.
ENCODERS = {
    "ConvNeXt": (dict(model_name="convnext_atto"), (40, 80, 160, 320)),
    "hybrid of convolutions and ViT": (
        dict(model_name="mobilevit_xxs", out_indices=(1, 2, 3, 4)),
        (24, 48, 64, 320),
    ),
    "ViT after a ResNet": (dict(model_name="vit_tiny_r_s16_p8_224", img_size=64), (192,) * 3),
    "Swin": (
        dict(
            model_name="swin_tiny_patch4_window7_224",
            img_size=64,
            depths=(1, 1, 1, 1),
            feature_cls="getter",
        ),
        (96, 192, 384, 768),
    ),
}


def timm_config(settings: dict, wrapper: str = "TIMMBackbone") -> dict:
    return dict(type=wrapper, features_only=True, pretrained=False, **settings)


def timm_model(backbone: dict, channels: tuple[int, ...]) -> MultiTaskModel:
    decoder = dict(
        type="ConvUNetDecoder", in_channels=channels, channels=(4,) * (len(channels) - 1)
    )
    return make_model(
        backbone=backbone,
        decoders=dict(semantic=decoder, depth=decoder),
        heads=dict(
            semantic=dict(type="SegmentationHead", in_channels=4, num_classes=CLASSES),
            depth=dict(type="DepthHead", in_channels=4, min_depth=0.5, max_depth=10.0),
        ),
    )


@pytest.mark.parametrize(("settings", "channels"), ENCODERS.values(), ids=ENCODERS)
def test_trains_and_predicts(settings: dict, channels: tuple[int, ...]):
    model = timm_model(timm_config(settings), channels)
    assert model.task_embedding is None
    tasks = ("semantic", "depth")
    samples = [make_sample(*tasks, size=SIZE), make_sample("depth", size=SIZE)]
    losses = model.loss(images(2, SIZE), samples)
    sum(v for k, v in losses.items() if "loss" in k).backward()
    gradients = {n: p.grad for n, p in model.backbone.named_parameters()}
    # some of timm's models have modules after the last requested map
    assert sum(g is not None and g.any().item() for g in gradients.values()) > 0.9 * len(gradients)
    for sample in model.eval().predict(images(2, SIZE), samples):
        assert sample.pred_semantic.data.shape == sample.pred_depth.data.shape == (1, *SIZE)
        assert ((sample.pred_depth.data >= 0.5) & (sample.pred_depth.data <= 10)).all()


@pytest.mark.parametrize("wrapper", ["TIMMBackbone", "mmpretrain.TIMMBackbone"])
def test_maps_are_timm_s(wrapper: str):
    original = timm.create_model("convnext_atto", features_only=True).eval()
    encoder = MODELS.build(timm_config(dict(model_name="convnext_atto"), wrapper))
    encoder.eval()  # mmpretrain's returns None
    encoder.timm_model.load_state_dict(original.state_dict(), strict=True)
    x = images(1, SIZE)
    with torch.no_grad():
        for got, wanted in zip(encoder(x), original(x), strict=True):
            assert torch.equal(got, wanted)


def test_channels_last_maps_are_told_apart():
    settings = {k: v for k, v in ENCODERS["Swin"][0].items() if k != "feature_cls"}
    model = timm_model(timm_config(settings), ENCODERS["Swin"][1])
    with pytest.raises(ValueError, match=r"\(n, H, W, C\).*timm's Swin.*feature_cls='getter'"):
        model.predict(images(1, SIZE))
