"""Swin Transformers of the benchmarks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mtlplugins.models.backbones import CondSwinTransformer
from mtlplugins.models.conditioning import Condition, TaskEmbedding
from mtlplugins.models.rows import AllRows

SIZES: dict[str, dict[str, Any]] = {
    "tiny": dict(embed_dims=8, depths=(1, 1, 2, 1), num_heads=(1, 2, 4, 8)),  # for tests
    "T": dict(embed_dims=96, depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24)),
    "S": dict(embed_dims=96, depths=(2, 2, 18, 2), num_heads=(3, 6, 12, 24)),
    "B": dict(embed_dims=128, depths=(2, 2, 18, 2), num_heads=(4, 8, 16, 32)),
}
#: Names of the same models in timm.
TIMM = {
    f"{k}": f"swin_{v}_patch4_window7_224" for k, v in dict(T="tiny", S="small", B="base").items()
}
#: Plans with the thesis's modules in every block, and in the third stage only.
ALL = dict(attention="all", norm="all", adapter="all")


def third_stage(size: str) -> dict[str, Any]:
    """Make the plan 0-0-n-0 of all three modules."""
    depths = SIZES[size]["depths"]
    return dict.fromkeys(ALL, (0, 0, depths[2], 0))


class Rowwise(nn.Module):
    """Conditioned encoder with its task embedding, as in our model.

    Args:
        size: One of ``SIZES``.
        plan: See ``ConditioningPlan``.
        tasks: Number K of tasks.
        images: Number B of images per batch.
        settings: Other arguments of the encoder.
    """

    def __init__(self, size: str, plan: dict, *, tasks: int, images: int, **settings: Any) -> None:
        super().__init__()
        self.encoder = CondSwinTransformer(**SIZES[size], plan=plan, **settings)
        names = [f"task{k}" for k in range(tasks)]
        self.embedding = TaskEmbedding(names, self.encoder.task_embed_dims)
        self.rows = AllRows(tuple(names), images)

    def condition(self) -> Condition:
        """Make the condition of all rows."""
        return self.rows.condition(self.embedding)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Encode images to the maps of all rows: (B, 3, H, W) to (K·B, C, H', W') each."""
        maps = self.encoder(images, self.condition())
        return self.rows.branch(maps, self.encoder.shared_maps)


def noise_images(number: int, side: int, device: str) -> Tensor:
    """Make images (B, 3, side, side) of noise."""
    return torch.randn(number, 3, side, side, device=device)
