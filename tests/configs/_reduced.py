"""Configs reduced to run fast: same structure, narrow, small images."""

from __future__ import annotations

from math import ceil
from typing import Any

from mmengine.config import Config

#: Numbers of channels: an eighth of them stays, but not of those that are no multiple of 8.
CHANNELS = {
    "base_channels",
    "channels",
    "dims",
    "embed_dims",
    "feedforward_channels",
    "hidden",
    "in_channels",
    "out_channels",
    "stem_channels",
}
SIDE = 32
#: What encoders are given whose configs do not say their widths, by part of their type's name.
NARROW = {
    "ResNet": dict(base_channels=8, stem_channels=8),
    "TIMMBackbone": dict(depths=(1, 1, 1, 1), dims=(12, 24, 48, 96)),  # a ConvNeXt
    "VisionTransformer": dict(
        arch=dict(embed_dims=96, num_layers=12, num_heads=12, feedforward_channels=96)
    ),
}
#: Encoders of timm that are small enough and take no widths, and the channels of their maps.
WHOLE = {
    "tf_efficientnet_lite0": (24, 40, 112, 320),
    "tf_efficientnet_lite2": (24, 48, 120, 352),
}
DEEPEST = 3


def reduce_config(cfg: Config) -> None:
    """Cut the widths and depths of the model and the sizes of the images; no pretrained weights."""
    _narrow(cfg.model)
    if (channels := WHOLE.get(cfg.model.backbone.get("model_name"))) is not None:
        for decoder in cfg.model.decoders.values():
            decoder.in_channels = channels
    for part, widths in NARROW.items():
        # an encoder that says its widths itself is narrow by now
        narrow = (
            isinstance(cfg.model.backbone.get("arch"), dict) or "channels" in cfg.model.backbone
        )
        if part in cfg.model.backbone.type and not narrow and channels is None:
            cfg.model.backbone.update(widths)
    _flatten(cfg.model.backbone)
    for key in ("train_dataloader", "val_dataloader", "test_dataloader"):
        _shrink(cfg[key].dataset)


def _flatten(backbone: dict) -> None:
    """Cut long stages, and the same share of the blocks that a plan conditions."""
    if backbone.get("depth") in (101, 152):  # a ResNet's
        backbone["depth"] = 50
    depths = backbone.get("depths")
    if depths is None:
        return
    plan = backbone.get("plan") or {}
    backbone["depths"] = [min(depth, DEEPEST) for depth in depths]
    for module in ("attention", "norm", "adapter"):
        counts = plan.get(module)
        if counts is not None and counts != "all":
            shares = zip(counts, depths, backbone["depths"], strict=True)
            plan[module] = [ceil(count * left / depth) for count, depth, left in shares]


def _narrow(node: Any) -> None:
    if isinstance(node, list | tuple):
        for child in node:
            _narrow(child)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key in CHANNELS:
            node[key] = _eighth(value)
        elif key == "init_cfg" or (key == "pretrained" and isinstance(value, str)):
            node[key] = None
        elif key == "pretrained" and value is True:  # timm's
            node[key] = False
        elif key == "img_size":
            node[key] = SIDE
        elif value == "SyncBN":
            node[key] = "BN"
        else:
            _narrow(value)


def _eighth(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_eighth, value))
    return value // 8 if isinstance(value, int) and value > 8 and value % 8 == 0 else value


def _shrink(node: Any) -> None:
    if isinstance(node, list | tuple):
        for child in node:
            _shrink(child)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key in ("scale", "size") and not isinstance(value, float):  # a depth's is a float
            square = isinstance(value, int)
            node[key] = SIDE if square else (SIDE, round(SIDE * value[1] / value[0]))
        elif key == "indices":
            node[key] = [0, 1]
        else:
            _shrink(value)
