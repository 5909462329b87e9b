"""Small Vision Transformer that returns all its tokens."""

from __future__ import annotations

from typing import cast

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from mtlplugins.models.layers import Dropout, attention


@MODELS.register_module()
class TokenViT(BaseModule):
    """Pre-norm transformer without a class token and with heads of any width.

    The encoder of Nguyen & Chen, "Multi-Task Learning for Image Classification", whose notebooks
    take it from Keras's example of image classification with a ViT. Images are upsampled; patches
    get learned position embeddings; the heads together are wider than the embedding; the MLP has a
    GELU and dropout after both of its layers. Initialised as in Keras: Glorot uniform, zero biases,
    and positions uniform in ±0.05. For a kernel with an axis of heads, Keras computes the fans from
    the last two axes and treats the rest as a receptive field.

    Args:
        input_size: Side that images are resized to, bilinearly.
        patch_size: Side of a patch in pixels.
        embed_dims: Channels C of a token.
        depth: Number of layers.
        num_heads: Attention heads.
        head_dims: Channels of a head.
        mlp_dims: Hidden channels of the MLP.
        attn_drop_rate: Dropout of attention weights.
        drop_rate: Dropout in the MLPs.

    Raises:
        ValueError: ``patch_size`` does not divide ``input_size``.
    """

    def __init__(
        self,
        *,
        input_size: int = 72,
        patch_size: int = 6,
        embed_dims: int = 64,
        depth: int = 8,
        num_heads: int = 4,
        head_dims: int = 64,
        mlp_dims: int = 128,
        attn_drop_rate: float = 0.1,
        drop_rate: float = 0.2,
    ) -> None:
        super().__init__(init_cfg=dict(type="Xavier", distribution="uniform", layer="Linear"))
        if input_size % patch_size:
            raise ValueError(f"TokenViT: patch_size={patch_size} does not divide {input_size}")
        self.input_size = input_size
        self.patch_size = patch_size
        self.patch_embed = nn.Linear(3 * patch_size**2, embed_dims)
        self.pos_embed = nn.Parameter(torch.empty((input_size // patch_size) ** 2, embed_dims))
        self.layers = nn.ModuleList(
            _Layer(
                embed_dims,
                num_heads=num_heads,
                head_dims=head_dims,
                mlp_dims=mlp_dims,
                attn_drop_rate=attn_drop_rate,
                drop_rate=drop_rate,
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(embed_dims, eps=1e-6)
        self._init_as_in_keras()

    def init_weights(self) -> None:
        """Initialise all weights at random."""
        super().init_weights()
        self._init_as_in_keras()

    def _init_as_in_keras(self) -> None:
        nn.init.uniform_(self.pos_embed, -0.05, 0.05)
        for layer in cast("list[_Layer]", self.layers):
            layer.init_attention()

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Encode images (B, 3, H, W) to tokens (B, L, C) in row-major order."""
        size = (self.input_size, self.input_size)
        if tuple(x.shape[-2:]) != size:
            x = F.interpolate(x, size=size, mode="bilinear", align_corners=False)
        patches = F.pixel_unshuffle(x, self.patch_size).flatten(2).transpose(1, 2)
        x = self.patch_embed(patches) + self.pos_embed  # (B, L, C)
        for layer in self.layers:
            x = layer(x)
        return (self.norm(x),)


class _Layer(nn.Module):
    def __init__(
        self,
        embed_dims: int,
        *,
        num_heads: int,
        head_dims: int,
        mlp_dims: int,
        attn_drop_rate: float,
        drop_rate: float,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.attn_drop_rate = attn_drop_rate
        self.norm1 = nn.LayerNorm(embed_dims, eps=1e-6)
        self.qkv = nn.Linear(embed_dims, 3 * num_heads * head_dims)
        self.proj = nn.Linear(num_heads * head_dims, embed_dims)
        self.norm2 = nn.LayerNorm(embed_dims, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(embed_dims, mlp_dims),
            nn.GELU(),
            Dropout(drop_rate),
            nn.Linear(mlp_dims, embed_dims),
            nn.GELU(),
            Dropout(drop_rate),
        )

    def init_attention(self) -> None:
        dims, heads = self.qkv.in_features, self.num_heads
        head_dims = self.proj.in_features // heads
        # kernels of (dims, heads, head_dims) and (heads, head_dims, dims)
        for weight, fans in (
            (self.qkv.weight, dims * (heads + head_dims)),
            (self.proj.weight, heads * (head_dims + dims)),
        ):
            limit = (6 / fans) ** 0.5
            nn.init.uniform_(weight, -limit, limit)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def _attend(self, x: Tensor) -> Tensor:
        qkv = self.qkv(x).unflatten(2, (3, self.num_heads, -1))  # (B, L, 3, heads, channels)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        drop = self.attn_drop_rate if self.training else 0.0
        out = attention(query, key, value, dropout=drop)
        return self.proj(out.transpose(1, 2).flatten(2))  # (B, L, C)
