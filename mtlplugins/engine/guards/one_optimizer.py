"""Check that one optimizer trains a multi-task model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn


def refuse_several_optimizers(model: nn.Module, optim_wrapper: Any) -> None:
    """Refuse several optimizers for a model whose step goes backward once for all its parts.

    Args:
        model: The model, or the wrapper around it; others than ours may have several.
        optim_wrapper: The config, or what was built of it.

    Raises:
        ValueError: There are several; names what to write instead.
    """
    if not hasattr(getattr(model, "module", model), "trained_tasks"):
        return
    names: list[str] = []
    if isinstance(optim_wrapper, OptimWrapperDict):
        names = list(optim_wrapper.keys())
    elif isinstance(optim_wrapper, Mapping) and not {"optimizer", "constructor"} & {*optim_wrapper}:
        parts = {k: v for k, v in optim_wrapper.items() if isinstance(v, (Mapping, OptimWrapper))}
        names = [key for key in parts if key not in ("clip_grad", "paramwise_cfg")]
    if names:
        raise ValueError(
            f"optim_wrapper: several optimizers ({', '.join(names)}; MMEngine's OptimWrapperDict), "
            "but the losses of all tasks go backward and update all weights together: give one "
            "optimizer, optim_wrapper=dict(optimizer=dict(type='AdamW', lr=1e-4)). Parts get rates "
            "and weight decay of their own by optim_wrapper.paramwise_cfg=dict(custom_keys=dict("
            "backbone=dict(lr_mult=0.1, decay_mult=1.0))); optim_wrapper.clip_grad clips the norm "
            "of all gradients together"
        )
