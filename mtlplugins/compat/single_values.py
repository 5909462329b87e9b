"""Batch norms of a single value per channel."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mmengine.logging import print_log
from torch import Tensor
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm, _NormBase

from ._replace import replace_once

_said: set[str] = set()


def normalise_single_values() -> None:
    """Let a batch norm in training normalise a single value by its running statistics.

    Breaks: "Expected more than 1 value per channel when training", in the middle of a training,
    where the only image of a task in a batch, or the last image of an odd number, meets a norm
    after a pooling to 1 x 1, as in PSPHead and UPerHead. A single value has no variance: its own
    statistics would make the norm's bias of it, whatever it is, and no gradient. What was learnt of
    the channel so far says more, and stays as it is.
    Since: every torch up to 2.11.
    Ends: when torch does so, or with norms that know no batch.
    """
    replace_once(_BatchNorm, "forward", _with_statistics_so_far)
    replace_once(SyncBatchNorm, "forward", _with_statistics_so_far_alone)


def _with_statistics_so_far(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def forward_of_any_size(self: _BatchNorm, input: Tensor) -> Tensor:
        if self.training and self.running_mean is not None and is_single(input):
            return by_statistics_so_far(self, input)
        return forward(self, input)

    return forward_of_any_size


def _with_statistics_so_far_alone(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def forward_of_any_size(self: SyncBatchNorm, input: Tensor) -> Tensor:
        from torch import distributed as dist

        # the values of several processes are counted where they are added up
        alone = not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1
        if alone and self.training and self.running_mean is not None and is_single(input):
            return by_statistics_so_far(self, input)
        return forward(self, input)

    return forward_of_any_size


def is_single(values: Tensor) -> bool:
    """Whether (N, C, ...) has one value per channel."""
    return values.dim() > 1 and values.shape[0] == 1 and values.numel() == values.shape[1]


def by_statistics_so_far(norm: _NormBase, values: Tensor) -> Tensor:
    """Normalise as in evaluation; the first time, say so."""
    if not _said:
        _said.add("single")
        print_log(
            "A batch norm got a single value per channel, as of one image pooled to 1 x 1: it is "
            "normalised by the running statistics, which stay as they are. For more than now and "
            "then, take a larger batch, drop_last=True, or norm_cfg=dict(type='GN', num_groups=…).",
            logger="current",
            level=logging.WARNING,
        )
    mean, variance = norm.running_mean, norm.running_var
    return batch_norm(values, mean, variance, norm.weight, norm.bias, False, 0.0, norm.eps)
