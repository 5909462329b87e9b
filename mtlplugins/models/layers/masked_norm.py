"""Batch norms that leave out the padding of a batch."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import torch
from torch import Tensor, nn

_PLAIN = (nn.BatchNorm1d, nn.BatchNorm2d)
_ANY = (*_PLAIN, nn.BatchNorm3d, nn.SyncBatchNorm)


class MaskedNorm(nn.Module):
    """Mixin of batch norms: statistics of the images that ``present`` marks, for padded batches.

    Of the other images nothing is read, and what is computed for them means nothing. As in
    ``compat.single_values``, a single value per channel is normalised by the running statistics.

    Attributes:
        present: float32 (N,), 1 for an image and 0 for padding; None for a plain batch norm.
    """

    present: Tensor | None = None

    # of the batch norms that it is mixed into
    affine: bool
    bias: Tensor
    eps: float
    momentum: float | None
    num_batches_tracked: Tensor
    running_mean: Tensor | None
    running_var: Tensor | None
    weight: Tensor

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, …)."""
        if self.present is None or not (self.training or self.running_mean is None):
            return super().forward(input)
        axes = [axis for axis in range(input.dim()) if axis != 1]
        per_channel = [-1 if axis == 1 else 1 for axis in range(input.dim())]
        known = self.present.view(-1, *[1] * (input.dim() - 1)) > 0
        # in float32 under autocast, as PyTorch's own
        half = input.dtype in (torch.bfloat16, torch.float16)
        x = torch.where(known, input.float() if half else input, 0)
        count = self.present.sum() * input[0, 0].numel()
        mean = x.sum(axes) / count.clamp(min=1)
        squares = torch.where(known, x - mean.view(per_channel), 0).square().sum(axes)
        variance = squares / count.clamp(min=1)
        if self.running_mean is not None:
            mean, variance = self._track(count, mean, variance)
        y = (x - mean.view(per_channel)) * (variance + self.eps).rsqrt().view(per_channel)
        if self.affine:
            y = y * self.weight.view(per_channel) + self.bias.view(per_channel)
        return y.to(input.dtype)

    def _track(self, count: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Update the running statistics; return them in place of those of a single value."""
        assert self.running_mean is not None  # the caller checks it
        assert self.running_var is not None
        running = self.running_mean, self.running_var
        before = tuple(value.clone() for value in running)
        several = count > 1
        with torch.no_grad():
            self.num_batches_tracked.add_(several)
            share = self.momentum
            if share is None:  # the mean over all batches
                share = 1 / self.num_batches_tracked.clamp(min=1)
            unbiased = variance * (count / (count - 1).clamp(min=1))
            for value, old, new in zip(running, before, (mean, unbiased), strict=True):
                value.copy_(torch.where(several, old + share * (new - old), old))
        return torch.where(several, mean, before[0]), torch.where(several, variance, before[1])


def masked_norms(modules: Iterable[nn.Module]) -> list[MaskedNorm]:
    """Turn all plain batch norms inside modules into :class:`MaskedNorm`, in place; list them.

    Parameters, buffers, their names and hooks stay.
    """
    found = []
    for layer in (layer for module in modules for layer in module.modules()):
        if type(layer) in _PLAIN:
            layer.__class__ = _masked(type(layer))
        if isinstance(layer, MaskedNorm):
            found.append(layer)
    return found


def trains_norms(module: nn.Module, *, maskable: bool = True) -> bool:
    """Return whether a module has batch norms that use the statistics of the batch.

    Args:
        module: Any module.
        maskable: Count those too that :func:`masked_norms` can change.
    """
    norms = [m for m in module.modules() if isinstance(m, _ANY) and m.training]
    return any(maskable or not (isinstance(m, MaskedNorm) or type(m) in _PLAIN) for m in norms)


@cache
def _masked(kind: type[nn.Module]) -> type[nn.Module]:
    return type(kind.__name__, (MaskedNorm, kind), {})
