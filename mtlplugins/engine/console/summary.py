"""Summary of a run, before its first iteration."""

from __future__ import annotations

from itertools import chain

import torch
from mmengine.dist import get_world_size
from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn


def summarise(runner: Runner) -> str:
    """Describe model, tasks, schedule, device and files of a training, a line each.

    Args:
        runner: A runner that is about to train.
    """
    model = getattr(runner.model, "module", runner.model)
    lines = {
        "model": _model(model),
        "tasks": ", ".join(getattr(model, "trained_tasks", ())),
        "schedule": _schedule(runner),
        "optimizer": _optimizer(runner),
        "device": _device(model),
        "work dir": runner.work_dir,
        "log": runner.log_dir,
    }
    return "\n".join(f"{name:<10} {text}" for name, text in lines.items() if text)


def _model(model: nn.Module) -> str:
    encoder = getattr(model, "backbone", None)
    names = type(model).__name__ + (f" with {type(encoder).__name__}" if encoder else "")
    numbers = [p.numel() for p in model.parameters()]
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return f"{names}, {_short(sum(numbers))} parameters, {_short(trained)} of them trained"


def _short(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 1e5 else str(count)


def _schedule(runner: Runner) -> str:
    loop = runner.train_loop
    batch = getattr(loop.dataloader, "batch_size", None)
    length = f"{loop.max_iters} iterations"
    if isinstance(loop, EpochBasedTrainLoop):
        length = f"{loop.max_epochs} epochs of {len(loop.dataloader)} iterations"
    ranks = get_world_size()
    size = f", batches of {batch}" if batch else ""
    return length + size + (f" on each of {ranks} processes" if ranks > 1 else "")


def _optimizer(runner: Runner) -> str:
    wrapper = runner.optim_wrapper
    if not isinstance(wrapper, OptimWrapper):
        return type(wrapper).__name__
    rates = sorted({group["initial_lr"] for group in wrapper.param_groups if "initial_lr" in group})
    rates = rates or sorted({group["lr"] for group in wrapper.param_groups})
    rate = f"{rates[0]:.3g}" + (f" to {rates[-1]:.3g}" if len(rates) > 1 else "")
    schedules = {type(schedule).__name__ for schedule in _schedulers(runner)}
    return f"{type(wrapper.optimizer).__name__}, learning rate {rate}" + "".join(
        f", {name}" for name in sorted(schedules)
    )


def _schedulers(runner: Runner) -> list:
    schedules = runner.param_schedulers or []
    if isinstance(schedules, dict):  # by optimizer
        return list(chain(*schedules.values()))
    return list(schedules) if isinstance(schedules, list) else [schedules]


def _device(model: nn.Module) -> str:
    device = next(model.parameters()).device
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"
