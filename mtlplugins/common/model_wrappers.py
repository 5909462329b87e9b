"""Unwrapping of models in distributed training."""

from __future__ import annotations

from typing import Any

from mmengine.model import is_model_wrapper


def unwrapped_model(model: Any) -> Any:
    """Return the model inside wrappers such as DDP's; a model without one as it is."""
    while is_model_wrapper(model):
        model = model.module
    return model
