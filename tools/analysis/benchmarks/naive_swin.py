"""Naive conditional Swin, as the thesis describes it: one full pass for each task."""

from __future__ import annotations

import torch
from mmseg.models.backbones import SwinTransformer
from mmseg.models.backbones.swin import SwinBlock, WindowMSA
from torch import Tensor

from mtlplugins.models.conditioning import (
    Condition,
    ConditionalAdapter,
    ConditionalAttention,
    ConditionalLayerNorm,
    ConditioningPlan,
)


class NaiveWindowMSA(WindowMSA):
    """mmseg's window attention, with ``M(z)`` as the mask of all windows."""

    block: list[NaiveBlock]

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend in windows (B·nW, N, C)."""
        block = self.block[0]
        if "attention" in block.carries:
            matrix = block.conditional_attention(block.condition.z)  # (1, N, N)
            mask = matrix if mask is None else mask + matrix
        return super().forward(x, mask)


class NaiveBlock(SwinBlock):
    """mmseg's Swin block with conditional modules for one task at a time."""

    carries: tuple[str, ...]
    condition: Condition

    def forward(self, x: Tensor, hw_shape: tuple[int, int]) -> Tensor:
        """Transform tokens (B, H·W, C)."""
        y = x + self.attn(self._norm(self.norm1, x), hw_shape)
        y = self.ffn(self._norm(self.norm2, y), identity=y)
        if "adapter" in self.carries:
            y = y + self.conditional_adapter(x, self.condition)
        return y

    def _norm(self, norm: torch.nn.Module, x: Tensor) -> Tensor:
        return norm(x, self.condition) if "norm" in self.carries else norm(x)


class NaiveCondSwin(SwinTransformer):
    """mmseg's Swin with our conditional modules; loads the state of a ``CondSwinTransformer``."""

    def __init__(self, plan: dict, *, window_size: int = 7, **settings) -> None:
        super().__init__(window_size=window_size, **settings)
        depths = [len(stage.blocks) for stage in self.stages]
        parsed = ConditioningPlan.from_config(plan, depths)
        self.task_embed_dims = parsed.embed_dims
        for i, stage in enumerate(self.stages):
            for j, block in enumerate(stage.blocks):
                block.__class__ = NaiveBlock
                block.carries = tuple(parsed.modules_of(stage=i, block=j, depth=depths[i]))
                block.attn.w_msa.__class__ = NaiveWindowMSA
                block.attn.w_msa.block = [block]  # in a list, so that it is not a submodule
                _equip(block, window_size, parsed.embed_dims)

    def passes(self, images: Tensor, z: Tensor) -> list[tuple[Tensor, ...]]:
        """Encode images (B, 3, H, W) once for each of the embeddings ``z`` (T, embed_dims)."""
        return [self._pass(images, one[None]) for one in z]

    def _pass(self, images: Tensor, z: Tensor) -> tuple[Tensor, ...]:
        number = len(images)
        image_index = torch.arange(number, device=images.device)
        condition = Condition(z, image_index, torch.zeros_like(image_index), (number,))
        for stage in self.stages:
            for block in stage.blocks:
                block.condition = condition
        return super().forward(images)


def _equip(block: NaiveBlock, window: int, embed_dims: int) -> None:
    width = block.norm1.normalized_shape[0]
    if "attention" in block.carries:
        block.conditional_attention = ConditionalAttention(
            tokens=window**2, block_size=window, embed_dims=embed_dims
        )
    if "norm" in block.carries:
        for name in ("norm1", "norm2"):
            setattr(block, name, ConditionalLayerNorm(width, embed_dims=embed_dims))
    if "adapter" in block.carries:
        block.conditional_adapter = ConditionalAdapter(width, embed_dims=embed_dims)
