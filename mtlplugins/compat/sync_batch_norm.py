"""Synchronised batch normalisation (SyncBatchNorm) on CPUs."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from ._replace import replace_once
from .single_values import by_running_statistics


def allow_sync_batch_norm_on_cpu() -> None:
    """Let ``nn.SyncBatchNorm``, and so ``sync_bn="torch"`` in a config, work on the CPU.

    Breaks: ``DistributedDataParallel`` raises "SyncBatchNorm layers only work with GPU modules",
    and so does the norm itself, so one config cannot serve both.
    Since: every torch up to 2.11.
    Ends: when torch has CPU kernels for it. On a GPU torch's own code runs, with the same care for
    a single value in all ranks together (``single_values.py``): torch would set the running
    variance to infinity or NaN.
    """
    replace_once(nn.SyncBatchNorm, "forward", _by_sums_on_cpu)
    if hasattr(DistributedDataParallel, "_passing_sync_batchnorm_handle"):
        replace_once(
            DistributedDataParallel, "_passing_sync_batchnorm_handle", _without_refusal_on_cpu
        )


def keep_activations_of_timm() -> None:
    """Let a synchronised batch norm run the activation of the norm of timm that it replaces.

    Breaks: ``BatchNormAct2d``, of timm's EfficientNets and MobileNets, contains the activation that
    follows it. Conversion to ``nn.SyncBatchNorm`` keeps it as a child that is never called, so the
    network trains without activations, and nothing says so.
    Since: seen with torch 2.11.0, mmengine 0.10.7 and timm 1.0.31.
    Ends: when the conversion leaves norms with children alone, or converts them as timm's does.
    """
    replace_once(nn.SyncBatchNorm, "forward", _with_activation)


def _with_activation(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def forward_and_activate(self: nn.SyncBatchNorm, input: Tensor) -> Tensor:
        x = forward(self, input)
        if type(self) is nn.SyncBatchNorm:  # timm's own subclass runs them itself
            for child in self.children():  # dropout, then activation
                x = child(x)
        return x

    return forward_and_activate


def _without_refusal_on_cpu(check: Callable[..., None]) -> Callable[..., None]:
    def check_on_gpu(self: DistributedDataParallel, module: nn.Module) -> None:
        """Check the device of norms, unless the model is on the CPU."""
        if self.device_type != "cpu":
            check(self, module)

    return check_on_gpu


def _by_sums_on_cpu(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def forward_anywhere(self: nn.SyncBatchNorm, input: Tensor) -> Tensor:
        """Normalise (N, C, …) by the statistics of all ranks, on any device."""
        several = dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
        if not self.training or not several:
            return forward(self, input)
        if input.device.type != "cpu":
            return _with_care_for_single_values(self, input, forward)
        return _normalise(self, input)

    return forward_anywhere


def _with_care_for_single_values(
    norm: nn.SyncBatchNorm, x: Tensor, forward: Callable[..., Tensor]
) -> Tensor:
    """Take the running statistics where all ranks together have one value per channel.

    How many they have shows in the running variance alone: no wait for the device, and all ranks
    run the same collectives forward and backward.
    """
    if norm.running_var is None or prod(x.shape[2:]) > 1:
        return forward(norm, x)
    names = ("running_mean", "running_var", "num_batches_tracked")
    before = {name: getattr(norm, name).clone() for name in names}
    own = forward(norm, x)
    single = ~norm.running_var.isfinite().all()
    for name, value in before.items():
        getattr(norm, name).copy_(torch.where(single, value, getattr(norm, name)))
    return torch.where(single, by_running_statistics(norm, x, warn=False), own)


def _normalise(norm: nn.SyncBatchNorm, x: Tensor) -> Tensor:
    """Normalise (N, C, …) by the statistics of all ranks; N may be 0 on some, not on all."""
    group = norm.process_group
    wide = x.movedim(1, -1).to(torch.promote_types(x.dtype, torch.float32))  # (N, …, C)
    axes = tuple(range(x.dim() - 1))
    count = wide.new_tensor(float(wide.numel() // wide.shape[-1]))
    dist.all_reduce(count, group=group)
    if count <= 1 and norm.running_mean is not None:  # the same in all processes
        return by_running_statistics(norm, x)
    # the mean first: a difference of two large sums would lose the variance in float32
    mean = _SumOverProcesses.apply(wide.sum(axes), group) / count
    centred = wide - mean
    variance = _SumOverProcesses.apply(centred.square().sum(axes), group) / count
    if norm.track_running_stats:
        _update_running_statistics(norm, mean.detach(), variance.detach(), count)
    out = centred * (variance + norm.eps).rsqrt()
    if norm.affine:
        out = out * norm.weight + norm.bias
    return out.to(x.dtype).movedim(-1, 1)


def _update_running_statistics(norm: Any, mean: Tensor, variance: Tensor, count: Tensor) -> None:
    norm.num_batches_tracked.add_(1)
    share = norm.momentum
    if share is None:
        share = 1 / float(norm.num_batches_tracked)
    unbiased = variance * count / (count - 1)
    norm.running_mean.lerp_(mean.to(norm.running_mean), share)
    norm.running_var.lerp_(unbiased.to(norm.running_var), share)


class _SumOverProcesses(torch.autograd.Function):
    """All-reduce sum over ranks; its gradient is the sum of all ranks' gradients."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, group: Any) -> Tensor:
        """Add up the values of all ranks."""
        ctx.group = group
        total = own.clone()
        dist.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Add up the gradients of all ranks."""
        total = gradient.clone()
        dist.all_reduce(total, group=ctx.group)
        return total, None
