"""Attention between the tasks' maps, in windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from mmengine.model import BaseModule, ModuleDict
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.models.layers import attention
from mtlplugins.models.layers.windows import (
    pad_to_windows,
    padded_size,
    partition,
    unpartition,
)

if TYPE_CHECKING:
    from mtlplugins.models.rows import Rows


@MODELS.register_module()
class CrossTaskAttention(BaseModule):
    """Attention between the maps that the decoders of all tasks give, before the heads.

    The maps are cut into windows. In a window, each token of a task attends to the tokens of all
    tasks, its own included, and what it gathers is added to its map by a gate:
    ``x_t ← x_t + g_t ⊙ W A(LN_t(x_t) + v_t + p)``, with attention A (Vaswani et al. 2017), a norm
    and a vector v_t per task, and a vector p per place in the window. The gates g_t start at 0, so
    a fresh network computes exactly what it computes without. PAD-Net exchanged such maps by
    convolutions (https://arxiv.org/abs/1805.04409), InvPT by attention over whole maps
    (https://arxiv.org/abs/2203.07997); windows keep the costs linear in the number of pixels.

    An image's tasks exchange with those that have a row for it: in training those with a target, in
    inference those asked for. So predictions depend on which tasks are asked for.

    Args:
        tasks: The tasks with a decoder; the model gives them.
        channels: Channels C of the decoders' maps.
        num_heads: Attention heads.
        window_size: Side of a window in pixels of the map. Maps are padded with zeros to whole
            windows, as in Swin.

    Raises:
        ValueError: There are fewer than two tasks, ``num_heads`` does not divide ``channels``, or
            ``window_size`` is not positive.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        channels: int,
        *,
        num_heads: int = 4,
        window_size: int = 8,
    ) -> None:
        super().__init__()
        if len(tasks) < 2:
            named = ", ".join(tasks) or "none"
            raise ValueError(
                f"model.exchange: it takes two tasks with a decoder to exchange maps, not {named}; "
                "leave exchange out"
            )
        if num_heads < 1 or channels % num_heads:
            raise ValueError(
                f"CrossTaskAttention: num_heads={num_heads} must divide channels={channels}"
            )
        if window_size < 1:
            raise ValueError(f"CrossTaskAttention: window_size={window_size}: give 1 or more")
        self.channels = channels
        self.num_heads = num_heads
        self.window_size = window_size
        self.norms = ModuleDict({task: nn.LayerNorm(channels) for task in tasks})
        self.task_vectors = nn.ParameterDict({t: torch.empty(channels) for t in tasks})
        self.gates = nn.ParameterDict({task: torch.zeros(channels) for task in tasks})
        self.places = nn.Parameter(torch.empty(window_size**2, channels))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        for vector in (*self.task_vectors.values(), self.places):
            nn.init.normal_(vector, std=0.02)

    def forward(self, maps: Mapping[str, Tensor], rows: Rows) -> dict[str, Tensor]:
        """Exchange between maps.

        Args:
            maps: The map (n, C, H, W) of each task, one for each of its rows; may be empty.
            rows: The rows.

        Returns:
            Maps of the same shapes.

        Raises:
            ValueError: The maps differ in size, or have other channels.
        """
        if not maps:
            return {}
        self._check(maps)
        height, width = next(iter(maps.values())).shape[-2:]
        whole = padded_size((height, width), self.window_size)
        tokens = torch.stack([self._tokens(t, x, rows) for t, x in maps.items()], dim=2)
        # (B, nW, T, window², C)
        query, key, value = self._heads(self.qkv(tokens.flatten(2, 3)))
        out = attention(query, key, value, bias=self._absent(maps, rows, tokens))
        out = self.proj(out.transpose(2, 3).flatten(3))  # (B, nW, T·window², C)
        out = out.unflatten(2, (len(maps), -1))
        found = {}
        for index, (task, x) in enumerate(maps.items()):
            own = unpartition(out[:, :, index], whole, self.window_size)
            own = (own[:, :height, :width] * self.gates[task]).permute(0, 3, 1, 2)
            found[task] = x + rows.pick(own, task)
        return found

    def _tokens(self, task: str, x: Tensor, rows: Rows) -> Tensor:
        """Cut a task's maps (n, C, H, W) into windows of all images (B, nW, window², C)."""
        x = rows.spread(self.norms[task](x.permute(0, 2, 3, 1)), task)
        x = partition(pad_to_windows(x, self.window_size), self.window_size)
        return x + self.task_vectors[task] + self.places

    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Split (B, nW, L, 3C) into queries, keys and values (B, nW, heads, L, C / heads)."""
        x = x.unflatten(3, (3, self.num_heads, -1)).permute(3, 0, 1, 4, 2, 5)
        return x[0], x[1], x[2]

    def _absent(self, maps: Mapping[str, Tensor], rows: Rows, tokens: Tensor) -> Tensor | None:
        """Make the bias that hides the tasks without a row: (B, 1, 1, 1, T·window²), or None."""
        present = rows.present(tuple(maps), tokens.device)
        if present is None:
            return None
        # an image without any row attends to all, as a softmax over nothing is NaN
        hidden = ~present & present.any(dim=1, keepdim=True)  # (B, T)
        bias = torch.zeros_like(hidden, dtype=tokens.dtype).masked_fill(hidden, float("-inf"))
        return bias.repeat_interleave(self.window_size**2, dim=1)[:, None, None, None]

    def _check(self, maps: Mapping[str, Tensor]) -> None:
        first, *others = maps
        for task in (first, *others):
            if maps[task].shape[1] != self.channels:
                raise ValueError(
                    f"model.exchange.channels={self.channels}, but the decoder of {task!r} gives "
                    f"{maps[task].shape[1]}: set channels to it"
                )
            if maps[task].shape[-2:] != maps[first].shape[-2:]:
                raise ValueError(
                    f"model.exchange: the decoder of {task!r} gives maps of "
                    f"{tuple(maps[task].shape[-2:])}, that of {first!r} of "
                    f"{tuple(maps[first].shape[-2:])}: give both tasks the same decoder"
                )
