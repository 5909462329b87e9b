"""Swin block with optional conditional modules."""

from __future__ import annotations

import torch
from mmseg.models.backbones.swin import SwinBlock
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mtlplugins.models.conditioning import Condition

from .conditional_block import ConditionalBlock
from .feed_forward import feed_forward, feed_forward_linears
from .window_attention import attend, fold_into_bias
from .windows import Windows


class CondSwinBlock(ConditionalBlock, SwinBlock):
    """mmseg's ``SwinBlock`` (same arguments, parameters and function) with conditional modules."""

    places = ("logits", "norms", "linears", "beside")
    norms = ("norm1", "norm2")

    @property
    def width(self) -> int:
        """Channels C."""
        return self.attn.w_msa.embed_dims

    @property
    def linears(self) -> list[str]:
        """Names of the two linear layers of the attention and those of the MLP."""
        return ["attn.w_msa.qkv", "attn.w_msa.proj", *feed_forward_linears(self.ffn)]

    @property
    def shifted(self) -> bool:
        """True if the windows are shifted by half a window."""
        return self.attn.shift_size > 0

    # mmseg's blocks take hw_shape in place of the windows
    def forward(  # ty: ignore[lost-keyword-for-regular-parameter]
        self, x: Tensor, windows: Windows, condition: Condition | None = None
    ) -> Tensor:
        """Transform tokens.

        Args:
            x: (R, H·W, C): rows, or images if the block carries no conditional module, in the order
                of ``windows.move(…, after=self.shifted)``.
            windows: The windows of the token map.
            condition: The rows' tasks; only read by conditional modules.

        Returns:
            (R, H·W, C), in the same order.
        """
        if self.with_cp and torch.is_grad_enabled():
            return checkpoint(self._transform, x, windows, condition, use_reentrant=False)
        return self._transform(x, windows, condition)

    def _transform(self, x: Tensor, windows: Windows, condition: Condition | None) -> Tensor:
        attended = self._attend(self.normalise("norm1", x, condition), windows, condition)
        y = x + self.attn.drop(attended)
        y = feed_forward(self, self.normalise("norm2", y, condition), y, condition)
        return self.beside(x, y, condition)

    def _attend(self, x: Tensor, windows: Windows, condition: Condition | None) -> Tensor:
        msa = self.attn.w_msa
        x = windows.cut(x, self.shifted)
        qkv = self.transform("attn.w_msa.qkv", x, condition)
        of_shift = windows if self.shifted else None
        x = attend(msa, qkv, self.logits(condition), of_shift, condition)
        x = msa.proj_drop(self.transform("attn.w_msa.proj", x, condition))
        return windows.join(x, self.shifted)

    def _attended(self) -> tuple[int, int]:
        side = self.attn.window_size
        return side**2, side

    def _fold_logits(self, matrix: Tensor) -> None:
        fold_into_bias(self.attn.w_msa, matrix[0])
