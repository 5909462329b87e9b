"""Model complexity: parameters, and FLOPs per image and task."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def training_size(cfg: Config) -> tuple[int, int]:
    """Read the training image size (height, width) from a config.

    Raises:
        ValueError: No transform of the training pipeline (of the test pipeline, if that is empty)
            has a ``scale``.
    """
    for transform in reversed(cfg.get("train_pipeline") or cfg.get("test_pipeline") or []):
        if scale := transform.get("scale"):
            return (scale, scale) if isinstance(scale, int) else tuple(scale)
    raise ValueError("the config's train_pipeline sets no size; give one with --size HEIGHT WIDTH")


def count_parameters(model: nn.Module) -> dict[str, int]:
    """Count all parameters (``params``) and the trainable ones (``trainable``)."""
    return dict(
        params=sum(p.numel() for p in model.parameters()),
        trainable=sum(p.numel() for p in model.parameters() if p.requires_grad),
    )


def model_stats(cfg: Config, size: tuple[int, int] | None = None) -> dict[str, Any]:
    """Count the parameters and floating-point operations (FLOPs) of a model.

    Args:
        cfg: A config with a ``model``.
        size: (height, width) of the image; None for the training size of the config.

    Returns:
        ``params``, ``trainable``; ``flops_per_task``: operations for one image and one task, two
        per multiply-add, averaged over the tasks; ``flops_by_task``; ``size``.

    Raises:
        ValueError: ``size`` is not positive.
    """
    init_default_scope("mmseg")
    size = size or training_size(cfg)
    if min(size) < 1:
        raise ValueError(f"size {size[0]} x {size[1]}: give a height and a width above 0")
    model = MODELS.build(cfg.model).train()
    counts = count_parameters(model)
    model.eval()
    image = torch.zeros(1, 3, *size)
    flops = {}
    for task in model.tasks:
        model.test_cfg["tasks"] = [task]
        # the counter does not count fused attention on a CPU
        plain = sdpa_kernel(SDPBackend.MATH)
        with torch.no_grad(), plain, FlopCounterMode(display=False) as counter:
            model(image, mode="predict")
        flops[task] = counter.get_total_flops()
    return dict(
        **counts,
        flops_per_task=sum(flops.values()) / len(flops),
        flops_by_task=flops,
        size=list(size),
    )
