"""Vision Transformer block with optional conditional modules."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from mmpretrain.models.backbones.vision_transformer import TransformerEncoderLayer
from torch import Tensor
from torch.nn import functional as F

from mtlplugins.models.conditioning import Condition

from .conditional_block import ConditionalBlock
from .feed_forward import feed_forward, feed_forward_linears
from .token_attention import resize_row_blocks, token_attention


class CondViTBlock(ConditionalBlock, TransformerEncoderLayer):
    """mmpretrain's ``TransformerEncoderLayer`` (same arguments) with conditional modules.

    Conditional attention acts between patch tokens; ``M(z)`` is 0 in the rows and columns of the
    tokens before them, such as the class token.

    Attributes:
        grid: Height and width of the patch grid that conditional attention is learned for.
        attention_block_size: Side L of a block of conditional attention in tokens; None for one
            row of the grid.
    """

    places = ("logits", "norms", "linears", "memory", "beside")
    norms = ("ln1", "ln2")
    grid: tuple[int, int]
    attention_block_size: int | None

    @property
    def width(self) -> int:
        """Channels C."""
        return self.embed_dims

    @property
    def linears(self) -> list[str]:
        """Names of the two linear layers of the attention and those of the MLP."""
        return ["attn.qkv", "attn.proj", *feed_forward_linears(self.ffn)]

    def attach(
        self,
        modules: Mapping[str, Mapping[str, int]],
        *,
        embed_dims: int,
        grid: tuple[int, int] = (14, 14),
        attention_block_size: int | None = None,
    ) -> None:
        """Add conditional modules; see :class:`ConditionalBlock`.

        Args:
            modules: Settings of each module by its name.
            embed_dims: Length of the task embedding.
            grid: See the class.
            attention_block_size: See the class.
        """
        self.grid = grid[0], grid[1]
        self.attention_block_size = attention_block_size
        self.register_buffer("attention_bias", None)  # of a folded block: (1, h·w, h·w)
        super().attach(modules, embed_dims=embed_dims)

    def forward(
        self, x: Tensor, grid: tuple[int, int], condition: Condition | None = None
    ) -> Tensor:
        """Transform tokens.

        Args:
            x: (R, L, C): rows, or images if the block carries no conditional module. The last H·W
                tokens are patches; those before them, such as a class token, are not.
            grid: Height H and width W of the patch grid.
            condition: The rows' tasks; only read by conditional modules.

        Returns:
            (R, L, C).

        Raises:
            ValueError: Conditional attention with ``attention_block_size`` on another grid.
        """
        y = x + self._attend(self.normalise("ln1", x, condition), (grid[0], grid[1]), condition)
        y = feed_forward(self, self.normalise("ln2", y, condition), y, condition)
        return self.beside(x, y, condition)

    def _attend(self, x: Tensor, grid: tuple[int, int], condition: Condition | None) -> Tensor:
        matrix = self.logits(condition)  # (T, h·w, h·w)
        if matrix is None:
            matrix = getattr(self, "attention_bias", None)
        if matrix is None and not (self.adds_to_linears or self.has_at("memory")):
            return self.attn(x)
        bias = None
        if matrix is not None:
            matrix = self._resized(matrix, grid)
            extra = x.shape[1] - matrix.shape[1]
            bias = F.pad(matrix, (extra, 0, extra, 0))
            if self.carries:
                assert condition is not None  # encoders check it
                bias = condition.per_row(bias)
        msa = self.attn
        memory = [partial(module, condition=condition) for module in self._modules_in("memory")]
        out = token_attention(msa, self.transform("attn.qkv", x, condition), bias, memory)
        out = self.transform("attn.proj", out, condition)
        return msa.out_drop(msa.gamma1(msa.proj_drop(out)))

    def _attended(self) -> tuple[int, int]:
        return self.grid[0] * self.grid[1], self.attention_block_size or self.grid[1]

    def _fold_logits(self, matrix: Tensor) -> None:
        self.attention_bias = matrix

    def _resized(self, matrix: Tensor, grid: tuple[int, int]) -> Tensor:
        """Resize ``M(z)`` (T, h·w, h·w) to the patch grid of the images: (T, H·W, H·W)."""
        if grid != self.grid and self.attention_block_size is not None:
            own, given = ("{} x {}".format(*size) for size in (self.grid, grid))
            raise ValueError(
                f"conditional attention in blocks of {self.attention_block_size} tokens is tied to "
                f"the {own} patches of img_size, but these images have {given}: set the "
                "backbone's img_size to their size, or leave attention_block_size out, as blocks "
                "of one row fit any size"
            )
        return resize_row_blocks(matrix, self.grid, grid)
