"""Residual blocks that may carry conditional modules."""

from __future__ import annotations

import torch
from mmseg.models.backbones.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mtlplugins.models.conditioning import Condition, ConditionalModule

from .conditional_block import ConditionalBlock


class _CondResBlock(ConditionalBlock):
    """Mixin that adds conditional modules to mmseg's residual blocks.

    Norms are kept, because they may have batch statistics: the conditional module follows the norm
    as ``conditional_<norm>``.
    """

    places = ("norms", "beside")
    # attributes of mmseg's blocks
    with_cp: bool
    relu: nn.Module
    downsample: nn.Module | None

    @property
    def width(self) -> int:
        """Channels of the block's output."""
        return getattr(self, f"conv{len(self.norms)}").out_channels

    def forward(self, x: Tensor, condition: Condition | None = None) -> Tensor:
        """Transform a map.

        Args:
            x: (R, C, H, W): rows, or images if the block carries no conditional module.
            condition: The rows' tasks; only read by conditional modules.

        Returns:
            (R, C', H', W').
        """
        if self.with_cp and torch.is_grad_enabled():
            return checkpoint(self._transform, x, condition, use_reentrant=False)
        return self._transform(x, condition)

    def normalise(self, name: str, x: Tensor, condition: Condition | None) -> Tensor:
        """Apply a norm and the conditional module after it."""
        x = getattr(self, name)(x)
        if self.has_at("norms"):
            x = getattr(self, f"conditional_{name}")(x, condition)
        return x

    def _transform(self, x: Tensor, condition: Condition | None) -> Tensor:
        y = self._residual(x, condition)
        shortcut = x if self.downsample is None else self.downsample(x)
        y += shortcut
        y = self.relu(y)
        if self.has_at("beside"):
            tokens, out = (m.flatten(2).transpose(1, 2) for m in (shortcut, y))  # (R, H'·W', C')
            y = self.beside(tokens, out, condition).transpose(1, 2).unflatten(2, y.shape[-2:])
        return y

    def _residual(self, x: Tensor, condition: Condition | None) -> Tensor:
        for i, norm in enumerate(self.norms, 1):
            x = self.normalise(norm, getattr(self, f"conv{i}")(x), condition)
            if i < len(self.norms):
                x = self.relu(x)
            x = self._run_plugins(x, i)
        return x

    def _run_plugins(self, x: Tensor, conv: int) -> Tensor:
        """Run mmseg's plugins after the convolution of this number; only bottlenecks have any."""
        return x

    def _put_norms(self, kind: type[ConditionalModule], _: str, **settings: int) -> None:
        after_norm = kind.after_norm
        if after_norm is None:
            raise ValueError(f"{kind.__name__} cannot follow a norm: it has no after_norm")
        for i, name in enumerate(self.norms, 1):
            channels = getattr(self, f"conv{i}").out_channels
            self.add_module(f"conditional_{name}", after_norm(channels, **settings))

    def _fold_norms(self, z: Tensor) -> None:
        for name in self.norms:
            getattr(self, f"conditional_{name}").fold_into(getattr(self, name), z)
            delattr(self, f"conditional_{name}")


class CondBasicBlock(_CondResBlock, BasicBlock):
    """mmseg's ``BasicBlock`` (same arguments, parameters and function) with conditional modules."""

    norms = ("norm1", "norm2")


class CondBottleneck(_CondResBlock, Bottleneck):
    """mmseg's ``Bottleneck`` (same arguments, parameters and function) with conditional modules."""

    norms = ("norm1", "norm2", "norm3")

    def _run_plugins(self, x: Tensor, conv: int) -> Tensor:
        if not self.with_plugins:
            return x
        return self.forward_plugin(x, getattr(self, f"after_conv{conv}_plugin_names"))
