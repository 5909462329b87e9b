"""Residual blocks that may carry conditional modules."""

from __future__ import annotations

import torch
from mmseg.models.backbones.resnet import BasicBlock, Bottleneck
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mtlplugins.models.conditioning import Condition, ConditionalModule

from .conditional_block import ConditionalBlock


class _CondResBlock(ConditionalBlock):
    """What a conditioned residual block has beyond mmseg's, before which it stands.

    A norm stays, for it may keep batch statistics: what depends on the task stands after it, under
    ``conditional_<norm>``.
    """

    places = ("norms", "beside")

    @property
    def width(self) -> int:
        """Channels of the block's output."""
        return getattr(self, f"conv{len(self.norms)}").out_channels

    def forward(self, x: Tensor, condition: Condition | None = None) -> Tensor:
        """Transform a map.

        Args:
            x: (R, C, H, W): rows, or images where the block carries no conditional module.
            condition: The rows' tasks; read where the block carries a conditional module.

        Returns:
            (R, C', H', W').
        """
        if self.with_cp and torch.is_grad_enabled():
            return checkpoint(self._transform, x, condition, use_reentrant=False)
        return self._transform(x, condition)

    def normalise(self, name: str, x: Tensor, condition: Condition | None) -> Tensor:
        """Apply a norm, and what stands after it."""
        x = getattr(self, name)(x)
        if "norms" in self._at:
            x = getattr(self, f"conditional_{name}")(x, condition)
        return x

    def _transform(self, x: Tensor, condition: Condition | None) -> Tensor:
        y = self._residual(x, condition)
        shortcut = x if self.downsample is None else self.downsample(x)
        y += shortcut
        y = self.relu(y)
        if "beside" in self._at:
            tokens, out = (m.flatten(2).transpose(1, 2) for m in (shortcut, y))  # (R, H'·W', C')
            y = self.beside(tokens, out, condition).transpose(1, 2).unflatten(2, y.shape[-2:])
        return y

    def _residual(self, x: Tensor, condition: Condition | None) -> Tensor:
        for i, norm in enumerate(self.norms, 1):
            x = self.normalise(norm, getattr(self, f"conv{i}")(x), condition)
            if i < len(self.norms):
                x = self.relu(x)
            if getattr(self, "with_plugins", False):  # only a bottleneck can have them
                x = self.forward_plugin(x, getattr(self, f"after_conv{i}_plugin_names"))
        return x

    def _put_norms(self, kind: type[ConditionalModule], _: str, **settings: int) -> None:
        for i, name in enumerate(self.norms, 1):
            channels = getattr(self, f"conv{i}").out_channels
            self.add_module(f"conditional_{name}", kind.behind(channels, **settings))

    def _fold_norms(self, z: Tensor) -> None:
        for name in self.norms:
            getattr(self, f"conditional_{name}").fold_into(getattr(self, name), z)
            delattr(self, f"conditional_{name}")


class CondBasicBlock(_CondResBlock, BasicBlock):
    """mmseg's ``BasicBlock``: same arguments, parameters and function, and conditional modules."""

    norms = ("norm1", "norm2")


class CondBottleneck(_CondResBlock, Bottleneck):
    """mmseg's ``Bottleneck``: same arguments, parameters and function, and conditional modules."""

    norms = ("norm1", "norm2", "norm3")
