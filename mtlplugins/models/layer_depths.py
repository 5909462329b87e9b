"""Layers of a multi-task model, for layer-wise decay of learning rates."""

from __future__ import annotations

from typing import Any

from torch import nn


class LayerDepths(nn.Module):
    """Mixin of :class:`MultiTaskModel` that tells optimizer constructors the layer of a parameter.

    mmpretrain's ``LearningRateDecayOptimWrapperConstructor`` asks the model, and so does mmseg's
    ``LearningRateDecayOptimizerConstructor`` (see :mod:`mtlplugins.compat.layer_decay`): a
    parameter d layers below the last is trained at the rate times the decay to the power of d.
    """

    backbone: Any

    def get_layer_depth(self, param_name: str, prefix: str = "") -> tuple[int, int]:
        """Return the layer of a parameter, and the number of layers.

        All but the encoder, such as task embeddings, decoders and heads, is in the last layer.

        Args:
            param_name: Name of the parameter.
            prefix: Beginning of the names of the model's parameters.

        Raises:
            ValueError: The encoder does not tell its layers.
        """
        get_layer_depth = getattr(self.backbone, "get_layer_depth", None)
        if get_layer_depth is None:
            raise ValueError(
                f"optim_wrapper.constructor: layer-wise decay needs the layers of the encoder, and "
                f"{type(self.backbone).__name__} does not tell them (get_layer_depth): take a "
                "Cond* encoder or one of mmpretrain's, or leave constructor out and give rates by "
                "name, optim_wrapper.paramwise_cfg=dict(custom_keys=dict(backbone=dict("
                "lr_mult=0.1)))"
            )
        return get_layer_depth(param_name, f"{prefix}backbone.")
