"""A small model of each of timm's families, and the fullest plan that it takes."""

from __future__ import annotations

import timm
import torch
from torch import nn

from mtlplugins.models import CondTimmBackbone
from mtlplugins.models.layers import TimmBlock
from tests.models._models import perturb

VIT = dict(img_size=32, patch_size=8, embed_dim=16, depth=3, num_heads=2)
SWIN = dict(img_size=64, window_size=4, embed_dim=8, depths=(1, 1, 2, 1), num_heads=(1, 2, 2, 4))
CONVNEXT = dict(dims=(8, 16, 24, 32), depths=(1, 1, 2, 1))
WINDOWS = dict(attention="all", norm="all", adapter="all", low_rank="all")
TOKENS = WINDOWS | dict(prompts=dict(blocks="all", tokens=3))
MAPS = dict(norm="all", adapter="all")
#: Name in timm, arguments that make it small, and plan.
FAMILIES: dict[str, tuple[str, dict, dict]] = {
    "ViT": ("vit_tiny_patch16_224", VIT, TOKENS),
    "ViT without class token": ("vit_medium_patch16_gap_240", VIT, TOKENS),
    "ViT with registers": ("vit_little_patch16_reg4_gap_256", VIT, TOKENS),
    "DINOv2": ("vit_small_patch14_reg4_dinov2", VIT, TOKENS),
    "DINOv3": ("vit_small_patch16_dinov3", VIT, TOKENS),
    "EVA-02": ("eva02_tiny_patch14_224", VIT, TOKENS),
    "EVA-02 with q, k and v apart": ("eva02_base_patch14_224", VIT, TOKENS),
    "ViT with learned rotations": ("vit_small_patch16_rope_mixed_224", VIT, TOKENS),
    "Swin": ("swin_tiny_patch4_window7_224", SWIN, WINDOWS),
    "Swin v2": ("swinv2_tiny_window8_256", SWIN, WINDOWS),
    "ConvNeXt": ("convnext_tiny", CONVNEXT, dict(**MAPS, low_rank="all")),
    "ConvNeXt with an MLP of convolutions": ("convnext_atto", CONVNEXT, MAPS),
    "ConvNeXt v2": ("convnextv2_tiny", CONVNEXT, dict(**MAPS, low_rank="all")),
    "MobileNetV4": (
        "mobilenetv4_conv_small_050",
        {},
        dict(norm="all", adapter=(0, 0, 0, 5, 0)),
    ),
    "EfficientNet": ("tf_efficientnet_lite0", {}, dict(norm="all", adapter=(0, 1, 1, 2, 0))),
    "ResNet": ("resnet10t", {}, MAPS),
}
#: One network of each kind of map and attention.
KINDS = ("ViT", "EVA-02", "Swin", "ConvNeXt", "MobileNetV4", "ResNet")


def cond_timm(family: str, plan: dict | None = None, **settings) -> CondTimmBackbone:
    name, args, _ = FAMILIES[family]
    plan = plan and dict(embed_dims=8) | plan
    return CondTimmBackbone(name, **dict(model_args=args, plan=plan) | settings)


def plain_timm(family: str, *, std: float = 0.05) -> nn.Module:
    """timm's own model, for images of any size, with weights away from their special start."""
    name, args, _ = FAMILIES[family]
    any_size = dict(dynamic_img_size=True) if args in (VIT, SWIN) else {}
    torch.manual_seed(0)
    network = timm.create_model(name, pretrained=False, **any_size, **args)
    perturb(network.parameters(), std=std)
    return network.eval()


def blocks_of(encoder: CondTimmBackbone) -> list[TimmBlock]:
    return [block for stage in encoder._block_stages() for block in stage]
