"""A small model of each conditioned encoder."""

from __future__ import annotations

from collections.abc import Callable

from mtlplugins.models import MultiTaskModel
from mtlplugins.models.conditioning import MODULES
from tests.models._models import make_model, perturb
from tests.models.backbones._timm import FAMILIES, VIT
from tests.models.backbones.test_cond_resnet import SMALL, shake
from tests.models.test_vit_model import vit_model


def swin_model(plan: dict | None) -> MultiTaskModel:
    """Two stages, one of them with a shifted block."""
    backbone = dict(
        type="CondSwinTransformer",
        embed_dims=16,
        depths=(1, 2),
        num_heads=(1, 2),
        strides=(4, 2),
        out_indices=(0, 1),
        window_size=4,
        plan=plan and dict(embed_dims=8) | plan,
    )
    widths = dict(in_channels=(16, 32))
    return make_model(
        backbone=backbone,
        decoders=dict(
            semantic=dict(type="SwinUNetDecoder", num_heads=(1,), window_size=4, **widths),
            depth=dict(type="ConvUNetDecoder", channels=(8,), **widths),
        ),
        heads=dict(
            semantic=dict(type="SegmentationHead", in_channels=16, num_classes=5),
            depth=dict(type="DepthHead", in_channels=8, min_depth=0.5, max_depth=10.0),
            scene=dict(type="ClassificationHead", in_channels=32, num_classes=3),
        ),
    )


def resnet_model(plan: dict | None, **settings) -> MultiTaskModel:
    decoder = dict(type="ConvUNetDecoder", in_channels=(4, 8, 16, 32), channels=(8, 8, 8))
    backbone = dict(type="CondResNet", depth=18, **SMALL | settings)
    return make_model(
        backbone=backbone | dict(plan=plan and dict(embed_dims=8) | plan),
        decoders=dict.fromkeys(("semantic", "depth"), decoder),
        heads=dict(
            semantic=dict(type="SegmentationHead", in_channels=8, num_classes=5),
            depth=dict(type="DepthHead", in_channels=8, min_depth=0.5, max_depth=10.0),
            scene=dict(type="ClassificationHead", in_channels=32, num_classes=3),
        ),
    )


def timm_model(family: str, plan: dict | None) -> MultiTaskModel:
    return make_model(**timm_config(family, plan))


def timm_config(family: str, plan: dict | None) -> dict:
    """Parts of a model with an encoder of timm; the maps of a ViT are of one resolution."""
    name, args, _ = FAMILIES[family]
    indices, channels = ((0, 1, 2), (16,) * 3) if args is VIT else ((2, 3, 4), (32, 48, 480))
    decoder = dict(type="ConvUNetDecoder", in_channels=channels, channels=(8, 8))
    return dict(
        backbone=dict(
            type="CondTimmBackbone",
            model_name=name,
            model_args=args,
            out_indices=indices,
            plan=plan and dict(embed_dims=8) | plan,
        ),
        decoders=dict.fromkeys(("semantic", "depth"), decoder),
        heads=dict(
            semantic=dict(type="SegmentationHead", in_channels=8, num_classes=5),
            depth=dict(type="DepthHead", in_channels=8, min_depth=0.5, max_depth=10.0),
            scene=dict(type="ClassificationHead", in_channels=channels[-1], num_classes=3),
        ),
    )


#: How each model is made from a plan, and the fullest plan that its encoder takes.
ENCODERS: dict[str, tuple[Callable[[dict | None], MultiTaskModel], dict]] = {
    "Swin": (swin_model, {m: "all" for m in MODULES if m != "prompts"}),
    "ViT": (vit_model, dict.fromkeys(MODULES, "all")),
    "ResNet": (resnet_model, dict(norm="all", adapter="all")),
}


def shaken(model: MultiTaskModel) -> MultiTaskModel:
    """Move weights and batch statistics away from their start."""
    perturb(p for m in (model.task_embedding, model.heads) if m for p in m.parameters())
    shake(model.backbone)
    return model.eval()
