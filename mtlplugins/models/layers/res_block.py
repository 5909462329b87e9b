"""Residual blocks that may carry conditional modules."""

from __future__ import annotations

from collections.abc import Collection

import torch
from mmseg.models.backbones.resnet import BasicBlock, Bottleneck
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mtlplugins.models.conditioning import (
    Adapter,
    Condition,
    ConditionalAdapter,
    ConditionalModulation,
)


class _CondResBlock:
    """What a conditioned residual block has beyond mmseg's, before which it stands.

    Attributes:
        convs: Number of convolutions of the residual branch.
        carries: The conditional modules of this block, out of ``layer_norm`` and ``adapter``.
        adapter: The plain adapter of a folded block; others have none.
    """

    convs: int
    adapter: Adapter
    carries: frozenset[str] = frozenset()

    def condition_on_task(self, carries: Collection[str], *, task_embed_dims: int) -> None:
        """Add conditional modules.

        Args:
            carries: Which: ``layer_norm`` puts a :class:`ConditionalModulation` behind each norm of
                the residual branch, ``adapter`` a :class:`ConditionalAdapter` beside the block.
            task_embed_dims: Length of the task embedding.
        """
        self.carries = frozenset(carries)
        channels = [getattr(self, f"conv{i}").out_channels for i in range(1, self.convs + 1)]
        if "layer_norm" in self.carries:
            for i, count in enumerate(channels, 1):
                modulation = ConditionalModulation(count, embed_dims=task_embed_dims)
                self.add_module(f"conditional_norm{i}", modulation)
        if "adapter" in self.carries:
            self.conditional_adapter = ConditionalAdapter(channels[-1], embed_dims=task_embed_dims)

    def fold(self, z: Tensor) -> None:
        """Make the conditional modules plain ones of the task embedding ``z`` (1, embed_dims)."""
        if "layer_norm" in self.carries:
            for i in range(1, self.convs + 1):
                getattr(self, f"conditional_norm{i}").fold_into(getattr(self, f"norm{i}"), z)
                delattr(self, f"conditional_norm{i}")
        if "adapter" in self.carries:
            self.adapter = self.conditional_adapter.folded(z)
            del self.conditional_adapter
        self.carries = frozenset()

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

    def _transform(self, x: Tensor, condition: Condition | None) -> Tensor:
        y = self._residual(x, condition)
        shortcut = x if self.downsample is None else self.downsample(x)
        y += shortcut
        y = self.relu(y)
        if "adapter" in self.carries or hasattr(self, "adapter"):
            y = y + self._adapt(shortcut, condition)
        return y

    def _adapt(self, x: Tensor, condition: Condition | None) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)  # (R, H'·W', C')
        if "adapter" in self.carries:
            added = self.conditional_adapter(tokens, condition)
        else:
            added = self.adapter(tokens)
        return added.transpose(1, 2).unflatten(2, x.shape[-2:])

    def _residual(self, x: Tensor, condition: Condition | None) -> Tensor:
        for i in range(1, self.convs + 1):
            x = getattr(self, f"norm{i}")(getattr(self, f"conv{i}")(x))
            if "layer_norm" in self.carries:
                x = getattr(self, f"conditional_norm{i}")(x, condition)
            if i < self.convs:
                x = self.relu(x)
            if getattr(self, "with_plugins", False):  # only a bottleneck can have them
                x = self.forward_plugin(x, getattr(self, f"after_conv{i}_plugin_names"))
        return x


class CondBasicBlock(_CondResBlock, BasicBlock):
    """mmseg's ``BasicBlock``: same arguments, parameters and function, and conditional modules."""

    convs = 2


class CondBottleneck(_CondResBlock, Bottleneck):
    """mmseg's ``Bottleneck``: same arguments, parameters and function, and conditional modules."""

    convs = 3
