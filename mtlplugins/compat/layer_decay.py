"""Layer-wise decay of learning rates by mmseg's constructor, for any encoder with layers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from mmengine.logging import print_log
from mmseg.engine.optimizers import LearningRateDecayOptimizerConstructor
from torch import nn

from ._replace import replace_once

_KNOWN = ("ConvNeXt", "BEiT", "MAE")  # parts of the class names that mmseg knows
_WHOLE = ("pos_embed", "cls_token")  # without weight decay, as in mmseg


def decay_rates_by_layers_of_any_encoder() -> None:
    """Ask a model that has ``get_layer_depth`` for the layers of its parameters.

    Breaks: ``LearningRateDecayOptimizerConstructor`` knows ConvNeXt, BEiT and MAE by parts of their
    class names, and ends with a bare ``NotImplementedError`` for all others.
    Since: mmseg 1.0 (mmsegmentation#1623).
    Ends: when mmseg asks the model, as mmpretrain does.
    """
    replace_once(LearningRateDecayOptimizerConstructor, "add_params", _by_layers)


def _by_layers(add_params: Callable[..., None]) -> Callable[..., None]:
    def add(self: Any, params: list[dict], module: nn.Module, **kwargs: Any) -> None:
        """Add parameter groups by the layers that the encoder names."""
        encoder = type(getattr(module, "backbone", None)).__name__
        known = any(name in encoder for name in _KNOWN)
        if known or not hasattr(module, "get_layer_depth"):
            add_params(self, params, module, **kwargs)
        else:
            params.extend(_groups(self, module, encoder))

    return add


def _groups(constructor: Any, model: Any, encoder: str) -> list[dict[str, Any]]:
    """Make a group for each layer, with and without weight decay, and log their rates."""
    settings = dict(constructor.paramwise_cfg)
    kind, rate = settings.get("decay_type", "layer_wise"), settings.get("decay_rate")
    if "layer_wise" not in kind or not isinstance(rate, (int, float)) or rate <= 0:
        raise ValueError(
            f"optim_wrapper.paramwise_cfg: decay_type={kind!r}, decay_rate={rate!r}: "
            f"{encoder} takes decay_type='layer_wise' and a positive decay_rate, such as 0.9"
        )
    groups: dict[str, dict[str, Any]] = {}
    count = 0
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        layer, count = model.get_layer_depth(name)
        decays = parameter.ndim > 1 and not name.endswith((".bias", *_WHOLE))
        group_name = f"layer_{layer}_{'decay' if decays else 'no_decay'}"
        scale = rate ** (count - 1 - layer)
        group = groups.setdefault(
            group_name,
            dict(
                params=[],
                param_names=[],
                group_name=group_name,
                lr_scale=scale,
                lr=scale * constructor.base_lr,
                weight_decay=constructor.base_wd if decays else 0.0,
            ),
        )
        group["params"].append(parameter)
        group["param_names"].append(name)
    given = settings.get("num_layers")
    if given not in (None, count - 2):
        print_log(
            f"optim_wrapper.paramwise_cfg.num_layers={given}, but {encoder} has {count - 2} "
            "blocks: the rates below are those of its own blocks",
            logger="current",
            level=logging.WARNING,
        )
    ratios = ", ".join(f"{g['group_name']} {g['lr_scale']:.4g}" for g in groups.values())
    print_log(f"learning rates by layer, as multiples of the base: {ratios}", logger="current")
    return list(groups.values())
