"""Batch normalisation of a single value per channel, by the running statistics."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mmengine.logging import print_log
from torch import Tensor
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm, _NormBase

from ._replace import replace_once

_warned: set[str] = set()


def allow_single_values() -> None:
    """Normalise a single value per channel by the running statistics, also in training.

    Breaks: training fails with "Expected more than 1 value per channel when training" where a batch
    has a single image for a task, or the last batch a single image, and the norm follows a pooling
    to 1 x 1, as in PSPHead and UPerHead. A single value has no variance: with its own statistics
    the output would always be the norm's bias, without a gradient. The running statistics are used
    instead, and not updated.
    Since: every torch up to 2.11.
    Ends: when torch does so, or with norms that are independent of the batch.
    """
    replace_once(_BatchNorm, "forward", _by_running_statistics_if_single)
    replace_once(SyncBatchNorm, "forward", _by_running_statistics_if_synchronised)


def _by_running_statistics_if_single(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def forward_of_any_size(self: _BatchNorm, input: Tensor) -> Tensor:
        """Normalise; a single value by the running statistics."""
        if self.training and self.running_mean is not None and has_single_values(input):
            return by_running_statistics(self, input)
        return forward(self, input)

    return forward_of_any_size


def _by_running_statistics_if_synchronised(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def forward_of_any_size(self: SyncBatchNorm, input: Tensor) -> Tensor:
        """Normalise; a single value by the running statistics."""
        from torch import distributed as dist

        # with several ranks, sync_batch_norm.py counts the values of all of them
        alone = not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1
        if alone and self.training and self.running_mean is not None and has_single_values(input):
            return by_running_statistics(self, input)
        return forward(self, input)

    return forward_of_any_size


def has_single_values(values: Tensor) -> bool:
    """Return whether (N, C, …) has one value per channel."""
    return values.dim() > 1 and values.shape[0] == 1 and values.numel() == values.shape[1]


def by_running_statistics(norm: _NormBase, values: Tensor, *, warn: bool = True) -> Tensor:
    """Normalise by the running statistics, as in evaluation; warns the first time."""
    if warn and not _warned:
        _warned.add("single")
        print_log(
            "A batch norm got a single value per channel, as of one image pooled to 1 x 1. It has "
            "no variance: the running statistics normalise it, and stay as they are, in all "
            "processes where it is the one value of all. For more than now and then, take a larger "
            "batch, drop_last=True, or norm_cfg=dict(type='GN', num_groups=…).",
            logger="current",
            level=logging.WARNING,
        )
    # copies: the next call of the norm may update the statistics before this one's backward pass
    assert norm.running_mean is not None  # callers check it
    assert norm.running_var is not None
    mean, variance = norm.running_mean.clone(), norm.running_var.clone()
    return batch_norm(values, mean, variance, norm.weight, norm.bias, False, 0.0, norm.eps)
