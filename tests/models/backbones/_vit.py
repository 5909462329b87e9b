"""Small Vision Transformers shared by tests."""

from __future__ import annotations

from mmpretrain.models.backbones import VisionTransformer

from mtlplugins.models import CondVisionTransformer

ARCH = dict(embed_dims=16, num_layers=4, num_heads=4, feedforward_channels=24)
VIT = dict(arch=ARCH, img_size=32, patch_size=8, out_type="featmap")
PLANS = {
    "attention": dict(attention="all"),
    "norm": dict(norm="all"),
    "adapter": dict(adapter="all"),
    "all three": dict(attention="all", norm="all", adapter="all"),
    "last blocks": dict(attention=(1,), norm=(2,), adapter=(1,)),
}


def plain_vit(**settings) -> VisionTransformer:
    settings = VIT | dict(out_indices=[1, 2, 3]) | settings
    return VisionTransformer(**settings)


def cond_vit(plan: dict | None = None, **settings) -> CondVisionTransformer:
    settings = VIT | dict(out_indices=(1, 2, 3)) | settings
    if plan is not None:
        plan = dict(embed_dims=8) | plan
    return CondVisionTransformer(**settings, plan=plan)
