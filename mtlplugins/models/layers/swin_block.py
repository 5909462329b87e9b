"""A Swin block that may carry conditional modules."""

from __future__ import annotations

from collections.abc import Collection

import torch
from mmseg.models.backbones.swin import SwinBlock
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mtlplugins.kept_values import kept
from mtlplugins.models.conditioning import (
    Adapter,
    Condition,
    ConditionalAdapter,
    ConditionalAttention,
    ConditionalLayerNorm,
)

from .window_attention import attention_bias, fold_into_bias, window_attention
from .windows import Windows


class CondSwinBlock(SwinBlock):
    """mmseg's ``SwinBlock``: same arguments, parameters and function, and conditional modules.

    Args:
        embed_dims: Channels C.
        num_heads: Attention heads.
        feedforward_channels: Hidden channels of the MLP.
        carries: The conditional modules of this block, out of ``attention``, ``layer_norm``,
            ``adapter``.
        task_embed_dims: Length of the task embedding; not read without conditional modules.
        window_size: Side of a window in tokens.
        shift: Whether the windows are shifted by half a window.
        qkv_bias: Whether queries, keys and values have a bias.
        qk_scale: Factor of the queries; None for 1/√d.
        drop_rate: Dropout behind linear layers.
        attn_drop_rate: Dropout of attention weights.
        drop_path_rate: Probability of leaving out a residual branch of a row.
        act_cfg: Activation of the MLP.
        norm_cfg: Norms; conditional LayerNorm replaces them whatever they are.
        with_cp: Recompute the block in the backward pass instead of keeping its activations.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        *,
        carries: Collection[str] = (),
        task_embed_dims: int = 384,
        window_size: int = 7,
        shift: bool = False,
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        act_cfg: dict = dict(type="GELU"),  # noqa: B006, read only
        norm_cfg: dict = dict(type="LN"),  # noqa: B006, read only
        with_cp: bool = False,
    ) -> None:
        super().__init__(
            embed_dims,
            num_heads,
            feedforward_channels,
            window_size=window_size,
            shift=shift,
            qkv_bias=qkv_bias,
            qk_scale=qk_scale,
            drop_rate=drop_rate,
            attn_drop_rate=attn_drop_rate,
            drop_path_rate=drop_path_rate,
            act_cfg=act_cfg,
            norm_cfg=norm_cfg,
            with_cp=with_cp,
        )
        self.carries = frozenset(carries)
        self.adapter: Adapter | None = None  # of a folded block
        if "attention" in self.carries:
            self.conditional_attention = ConditionalAttention(
                tokens=window_size**2, block_size=window_size, embed_dims=task_embed_dims
            )
        if "layer_norm" in self.carries:
            for name in ("norm1", "norm2"):
                eps = getattr(self, name).eps
                norm = ConditionalLayerNorm(embed_dims, embed_dims=task_embed_dims, eps=eps)
                setattr(self, name, norm)
        if "adapter" in self.carries:
            self.conditional_adapter = ConditionalAdapter(embed_dims, embed_dims=task_embed_dims)

    def fold(self, z: Tensor) -> None:
        """Make the conditional modules plain ones of the task embedding ``z`` (1, embed_dims)."""
        if "attention" in self.carries:
            fold_into_bias(self.attn.w_msa, self.conditional_attention(z)[0])
            del self.conditional_attention
        if "layer_norm" in self.carries:
            self.norm1, self.norm2 = self.norm1.folded(z), self.norm2.folded(z)
        if "adapter" in self.carries:
            self.adapter = self.conditional_adapter.folded(z)
            del self.conditional_adapter
        self.carries = frozenset()

    @property
    def shifted(self) -> bool:
        """Whether the windows are shifted by half a window."""
        return self.attn.shift_size > 0

    def forward(self, x: Tensor, windows: Windows, condition: Condition | None = None) -> Tensor:
        """Transform tokens.

        Args:
            x: (R, H·W, C): rows, or images where the block carries no conditional module; they lie
                as ``windows.move(…, after=self.shifted)`` puts them.
            windows: Those of the token map.
            condition: The rows' tasks; read where the block carries a conditional module.

        Returns:
            (R, H·W, C), in the same order.
        """
        if self.with_cp and torch.is_grad_enabled():
            return checkpoint(self._transform, x, windows, condition, use_reentrant=False)
        return self._transform(x, windows, condition)

    def _transform(self, x: Tensor, windows: Windows, condition: Condition | None) -> Tensor:
        attended = self._attend(self._normalise(self.norm1, x, condition), windows, condition)
        y = x + self.attn.drop(attended)
        y = self.ffn(self._normalise(self.norm2, y, condition), identity=y)
        if "adapter" in self.carries:
            y = y + self.conditional_adapter(x, condition)
        elif self.adapter is not None:
            y = y + self.adapter(x)
        return y

    def _normalise(self, norm: nn.Module, x: Tensor, condition: Condition | None) -> Tensor:
        return norm(x, condition) if "layer_norm" in self.carries else norm(x)

    def _attend(self, x: Tensor, windows: Windows, condition: Condition | None) -> Tensor:
        bias = self._attention_bias(windows, condition)
        x = windows.cut(x, self.shifted)
        x = window_attention(self.attn.w_msa, x, bias, condition)
        return windows.join(x, self.shifted)

    def _attention_bias(self, windows: Windows, condition: Condition | None) -> Tensor:
        """What is added to the logits (T or 1, nW or 1, heads, N, N)."""
        conditional = self.conditional_attention if "attention" in self.carries else None

        def make() -> Tensor:
            matrix = conditional(condition.z) if conditional else None
            return attention_bias(self.attn.w_msa, matrix, windows.mask if self.shifted else None)

        table = self.attn.w_msa.relative_position_bias_table
        sources = (*condition.made_of, *conditional.parameters()) if conditional else ()
        return kept(self, make, (table, *sources), windows.kind, self.shifted)
