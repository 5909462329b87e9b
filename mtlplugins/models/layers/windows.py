"""Plain and shifted windows of a token map: token order, padding and attention masks."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from .eager import runs_eagerly


class Windows:
    """Windows that cover a map of tokens, plain and shifted by half a window.

    If the windows tile the map exactly, the tokens of a stage are kept in window order: norms, MLPs
    and residuals do not depend on the order, attention needs only a view, and one permutation leads
    from a plain to a shifted block. Otherwise, and in exported graphs, which take any size, the
    tokens are kept row by row, and each block pads and partitions them.

    Args:
        size: Height and width of the map in tokens.
        window: Side of a window in tokens.
        reference: A tensor with the device and dtype of the mask.
        shift_single_window: Whether windows are also shifted along an axis that has one of them.
    """

    def __init__(
        self,
        size: tuple[int, int],
        window: int,
        reference: Tensor,
        *,
        shift_single_window: bool = True,
    ) -> None:
        self.size = size
        self.window = window
        height, width = (
            window // 2 if shift_single_window or side > window else 0 for side in size
        )
        self._shift = height, width
        self._reference = reference.new_empty(0)
        self._mask: Tensor | None = None
        self._region: Tensor | None = None
        self._whole = not torch.jit.is_tracing() and not any(side % window for side in size)
        self._orders: dict[bool | None, Tensor] = {}
        self._moves: dict[tuple[bool | None, bool | None], tuple[Tensor, Tensor]] = {}

    @classmethod
    def of(
        cls, x: Tensor, size: tuple[int, int], window: int, *, shift_single_window: bool = True
    ) -> Windows:
        """Return the windows for a map of tokens ``x``, from a cache where that is safe."""
        # graphs would treat cached tensors as constants, and tensors of inference mode cannot be
        # used in training
        if not runs_eagerly() or torch.is_inference_mode_enabled():
            return cls(size, window, x, shift_single_window=shift_single_window)
        return _windows(tuple(size), window, shift_single_window, x.device, x.dtype)

    @property
    def mask(self) -> Tensor:
        """Attention mask of the shifted windows; see :func:`shift_mask`."""
        if self._mask is None:
            self._mask = shift_mask(self.size, self.window, self._reference, self._shift)
        return self._mask

    @property
    def region(self) -> Tensor:
        """Region numbers of the shifted windows; see :func:`shift_regions`."""
        if self._region is None:
            device = self._reference.device
            self._region = shift_regions(self.size, self.window, device, self._shift)
        return self._region

    def move(self, x: Tensor, before: bool | None, after: bool | None) -> Tensor:
        """Permute tokens (R, H·W, C) from the order of one block to that of another.

        Args:
            x: Tokens.
            before: Their order: None for row by row, False for that of a plain block, True for that
                of a shifted one.
            after: The wanted order.
        """
        if not self._whole or before is after:
            return x
        if (before, after) not in self._moves:
            old, new = (self._order(which, x.device) for which in (before, after))
            self._moves[before, after] = old.argsort()[new], new.argsort()[old]
        return _Permutation.apply(x, *self._moves[before, after])

    def cut(self, x: Tensor, shifted: bool) -> Tensor:
        """Partition a block's tokens (R, H·W, C) into windows (R, nW, window², C)."""
        if self._whole:
            return x.unflatten(1, (-1, self.window**2))
        x = pad_to_windows(x.unflatten(1, self.size), self.window)  # (R, H', W', C)
        if shifted:
            x = x.roll((-self._shift[0], -self._shift[1]), dims=(1, 2))
        return partition(x, self.window)

    def join(self, x: Tensor, shifted: bool) -> Tensor:
        """Undo :meth:`cut`."""
        if self._whole:
            return x.flatten(1, 2)
        x = unpartition(x, padded_size(self.size, self.window), self.window)
        if shifted:
            x = x.roll(self._shift, dims=(1, 2))
        return x[:, : self.size[0], : self.size[1]].flatten(1, 2)

    def _order(self, shifted: bool | None, device: torch.device) -> Tensor:
        """Return the row-by-row index of the token at each position of an order."""
        if shifted not in self._orders:
            places = torch.arange(self.size[0] * self.size[1], device=device)
            if shifted is not None:
                places = places.view(1, *self.size, 1)
                if shifted:
                    places = places.roll((-self._shift[0], -self._shift[1]), dims=(1, 2))
                places = partition(places, self.window).flatten()
            self._orders[shifted] = places
        return self._orders[shifted]


@lru_cache(maxsize=16)  # the stages of an encoder and its decoders, for two or three image sizes
def _windows(
    size: tuple[int, int], window: int, shift_single: bool, device: torch.device, dtype: torch.dtype
) -> Windows:
    reference = torch.empty(0, device=device, dtype=dtype)
    return Windows(size, window, reference, shift_single_window=shift_single)


class _Permutation(torch.autograd.Function):
    """``x[:, index]`` for a permutation; the gradient is permuted back, without sums."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(index, inverse)
        rows, tokens, _ = x.shape
        # one index for all rows: selecting whole tokens is as fast as copying
        start = torch.arange(0, rows * tokens, tokens, device=x.device)
        return x.flatten(0, 1).index_select(0, (start[:, None] + index).flatten()).view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        index, inverse = ctx.saved_tensors
        return _Permutation.apply(gradient, inverse, index), None, None


def padded_size(size: tuple[int, int], window: int) -> tuple[int, int]:
    """Return height and width rounded up to whole windows."""
    height, width = size
    return height + -height % window, width + -width % window


def pad_to_windows(x: Tensor, window: int) -> Tensor:
    """Zero-pad a map (R, H, W, C) at the right and the bottom to whole windows."""
    size = x.shape[1], x.shape[2]
    height, width = padded_size(size, window)
    return pad(x, (0, 0, 0, width - size[1], 0, height - size[0]))


def partition(x: Tensor, window: int) -> Tensor:
    """Partition a map of whole windows (R, H, W, C) into windows (R, nW, window², C)."""
    rows, height, width, channels = x.shape
    x = x.view(rows, height // window, window, width // window, window, channels)
    return x.transpose(2, 3).reshape(rows, -1, window * window, channels)


def unpartition(x: Tensor, size: tuple[int, int], window: int) -> Tensor:
    """Undo :func:`partition`: (R, nW, window², C) to (R, H, W, C)."""
    rows, channels = x.shape[0], x.shape[-1]
    height, width = size
    x = x.view(rows, height // window, width // window, window, window, channels)
    return x.transpose(2, 3).reshape(rows, height, width, channels)


def shift_regions(
    size: tuple[int, int],
    window: int,
    device: torch.device,
    shift: tuple[int, int] | None = None,
) -> Tensor:
    """Number the regions of shifted windows that are not adjacent in the map.

    Args:
        size: Height and width of the map in tokens, before padding to whole windows.
        window: Side of a window.
        device: Device of the result.
        shift: Tokens down and to the right; None for half a window.

    Returns:
        int32 (nW, window²).
    """
    regions = []
    steps = shift or (window // 2, window // 2)
    for side, step in zip(padded_size(size, window), steps, strict=True):
        position = torch.arange(side, device=device)
        rolled = (position >= side - window).int() + (position >= side - step).int()
        regions.append(rolled if step else torch.zeros_like(rolled))
    region = 3 * regions[0][:, None] + regions[1]  # (H, W)
    return partition(region[None, :, :, None], window)[0, :, :, 0]


def shift_mask(
    size: tuple[int, int],
    window: int,
    reference: Tensor,
    shift: tuple[int, int] | None = None,
) -> Tensor:
    """Attention mask of shifted windows.

    −∞ instead of −100 as in other implementations: exp(−100) is a denormal number, which makes the
    following products several times slower on a CPU.

    Args:
        size: Height and width of the map in tokens, before padding to whole windows.
        window: Side of a window.
        reference: A tensor with the device and dtype of the mask.
        shift: Tokens down and to the right; None for half a window.

    Returns:
        (nW, 1, window², window²): 0 inside a region, −∞ between regions.
    """
    region = shift_regions(size, window, reference.device, shift)
    mask = torch.zeros(1, device=reference.device, dtype=reference.dtype)
    mask = mask.masked_fill(region[:, :, None] != region[:, None, :], float("-inf"))
    return mask[:, None]
