"""A block of a Vision Transformer that may carry conditional modules."""

from __future__ import annotations

from collections.abc import Collection

import torch
from mmpretrain.models.backbones.vision_transformer import TransformerEncoderLayer
from torch import Tensor, nn
from torch.nn import functional as F

from mtlplugins.kept_values import kept
from mtlplugins.models.conditioning import (
    Adapter,
    Condition,
    ConditionalAdapter,
    ConditionalAttention,
    ConditionalLayerNorm,
)

from .token_attention import resize_row_blocks, token_attention


class CondViTBlock(TransformerEncoderLayer):
    """mmpretrain's ``TransformerEncoderLayer``: same arguments and function, and conditional ones.

    Conditional attention is among the patch tokens; ``M(z)`` is 0 in the rows and columns of the
    tokens in front of them, such as the class token.

    Args:
        embed_dims: Channels C.
        num_heads: Attention heads.
        feedforward_channels: Hidden channels of the MLP.
        carries: The conditional modules of this block, out of ``attention``, ``layer_norm``,
            ``adapter``.
        task_embed_dims: Length of the task embedding; not read without conditional modules.
        grid: Height and width of the grid of patch tokens that conditional attention is learnt for.
        attention_block_size: Side L of a block of conditional attention in tokens; None for one
            row of the grid.
        layer_scale_init_value: Start of the factor behind each residual branch, 0 for none.
        drop_rate: Dropout behind linear layers.
        attn_drop_rate: Dropout of attention weights.
        drop_path_rate: Probability of leaving out a residual branch of a row.
        num_fcs: Linear layers of the MLP.
        qkv_bias: Whether queries, keys and values have a bias.
        ffn_type: ``'origin'`` or ``'swiglu_fused'``.
        act_cfg: Activation of the MLP.
        norm_cfg: Norms; conditional LayerNorm replaces them whatever they are.
        init_cfg: As in MMEngine.
    """

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        feedforward_channels: int,
        *,
        carries: Collection[str] = (),
        task_embed_dims: int = 384,
        grid: tuple[int, int] = (14, 14),
        attention_block_size: int | None = None,
        layer_scale_init_value: float = 0.0,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        num_fcs: int = 2,
        qkv_bias: bool = True,
        ffn_type: str = "origin",
        act_cfg: dict = dict(type="GELU"),  # noqa: B006, read only
        norm_cfg: dict = dict(type="LN"),  # noqa: B006, read only
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            embed_dims,
            num_heads,
            feedforward_channels,
            layer_scale_init_value=layer_scale_init_value,
            drop_rate=drop_rate,
            attn_drop_rate=attn_drop_rate,
            drop_path_rate=drop_path_rate,
            num_fcs=num_fcs,
            qkv_bias=qkv_bias,
            ffn_type=ffn_type,
            act_cfg=act_cfg,
            norm_cfg=norm_cfg,
            init_cfg=init_cfg,
        )
        self.carries = frozenset(carries)
        self.grid = tuple(grid)
        self.attention_block_size = attention_block_size
        self.adapter: Adapter | None = None  # of a folded block, as the bias
        self.register_buffer("attention_bias", None)  # (1, h·w, h·w) of the patches of ``grid``
        if "attention" in self.carries:
            self.conditional_attention = ConditionalAttention(
                tokens=grid[0] * grid[1],
                block_size=attention_block_size or grid[1],
                embed_dims=task_embed_dims,
            )
        if "layer_norm" in self.carries:
            for name in ("ln1", "ln2"):
                eps = getattr(self, name).eps
                norm = ConditionalLayerNorm(embed_dims, embed_dims=task_embed_dims, eps=eps)
                setattr(self, name, norm)
        if "adapter" in self.carries:
            self.conditional_adapter = ConditionalAdapter(embed_dims, embed_dims=task_embed_dims)

    @torch.no_grad()
    def fold(self, z: Tensor) -> None:
        """Make the conditional modules plain ones of the task embedding ``z`` (1, embed_dims)."""
        if "attention" in self.carries:
            self.attention_bias = self.conditional_attention(z)
            del self.conditional_attention
        if "layer_norm" in self.carries:
            self.ln1, self.ln2 = self.ln1.folded(z), self.ln2.folded(z)
        if "adapter" in self.carries:
            self.adapter = self.conditional_adapter.folded(z)
            del self.conditional_adapter
        self.carries = frozenset()

    def forward(
        self, x: Tensor, grid: tuple[int, int], condition: Condition | None = None
    ) -> Tensor:
        """Transform tokens.

        Args:
            x: (R, L, C): rows, or images where the block carries no conditional module. The last
                H·W tokens are of patches, those in front of them not.
            grid: H and W of the grid of patches.
            condition: The rows' tasks; read where the block carries a conditional module.

        Returns:
            (R, L, C).

        Raises:
            ValueError: Conditional attention with ``attention_block_size`` on another grid.
        """
        y = x + self._attend(self._normalise(self.ln1, x, condition), grid, condition)
        y = self.ffn(self._normalise(self.ln2, y, condition), identity=y)
        if "adapter" in self.carries:
            y = y + self.conditional_adapter(x, condition)
        elif self.adapter is not None:
            y = y + self.adapter(x)
        return y

    def _normalise(self, norm: nn.Module, x: Tensor, condition: Condition | None) -> Tensor:
        return norm(x, condition) if "layer_norm" in self.carries else norm(x)

    def _attend(self, x: Tensor, grid: tuple[int, int], condition: Condition | None) -> Tensor:
        conditional = self.conditional_attention if "attention" in self.carries else None
        if conditional is None and self.attention_bias is None:
            return self.attn(x)
        count = x.shape[1]

        def make() -> Tensor:
            matrix = conditional(condition.z) if conditional else self.attention_bias
            matrix = self._resized(matrix, tuple(grid))
            extra = count - matrix.shape[1]
            return F.pad(matrix, (extra, 0, extra, 0))

        if conditional is None:
            return token_attention(self.attn, x, make())
        sources = (*condition.made_of, *conditional.parameters())
        bias = kept(self, make, sources, tuple(grid), count)
        return token_attention(self.attn, x, condition.per_row(bias))

    def _resized(self, matrix: Tensor, grid: tuple[int, int]) -> Tensor:
        """Bring ``M(z)`` (T, h·w, h·w) to the grid of the patches: (T, H·W, H·W)."""
        if grid != self.grid and self.attention_block_size is not None:
            own, given = ("{} x {}".format(*size) for size in (self.grid, grid))
            raise ValueError(
                f"conditional attention in blocks of {self.attention_block_size} tokens is tied to "
                f"the {own} patches of img_size, but these images have {given}: set the "
                "backbone's img_size to their size, or leave attention_block_size out, as blocks "
                "of one row fit any size"
            )
        return resize_row_blocks(matrix, self.grid, grid)
