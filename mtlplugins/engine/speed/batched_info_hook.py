"""Logged values of training steps, copied from a GPU together."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import torch
from mmengine.hooks import LoggerHook, RuntimeInfoHook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor


@HOOKS.register_module()
class BatchedInfoHook(RuntimeInfoHook):
    """MMEngine's ``RuntimeInfoHook``, which lets a GPU compute without waiting for the log.

    MMEngine copies each loss, weight and score of each iteration, and the norm of the gradients, to
    the host by itself, and each copy waits for all work of the GPU. Here the values stay on the GPU
    until the log needs them: at the logger's ``interval``, at the end of an epoch and before a
    checkpoint is saved, all come in one copy. The message hub then has the same histories; between
    two logs it lacks the newest values. On a CPU they are there in every iteration.
    """

    def __init__(self) -> None:
        self._waiting: list[dict[str, Any]] = []  # values of iterations, newest last
        self._norm: Tensor | None = None
        self._interval = 1

    def before_train(self, runner: Runner) -> None:
        """Find the interval of the log, and keep the norm of clipped gradients on the GPU."""
        super().before_train(runner)
        self._interval = min(
            (hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)), default=1
        )
        wrapper = runner.optim_wrapper
        if isinstance(wrapper, OptimWrapper) and wrapper.clip_grad_kwargs:
            self._keep_norm(wrapper)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Take the values of an iteration, and log those taken if it is time."""
        values = {name: _detached(value) for name, value in (outputs or {}).items()}
        if self._norm is not None:
            name = getattr(runner.optim_wrapper, "grad_name", "grad_norm")
            values, self._norm = {name: self._norm} | values, None
        self._waiting.append(values)
        on_host = all(not isinstance(value, Tensor) or value.is_cpu for value in values.values())
        due = self.every_n_inner_iters(batch_idx, self._interval)
        if on_host or due or self.end_of_epoch(runner.train_dataloader, batch_idx):
            self._log(runner)

    def after_train(self, runner: Runner) -> None:
        """Log the values of iterations after the last log."""
        self._log(runner)
        super().after_train(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Log the values that wait, so that a resumed run has them too."""
        if self._waiting:
            self._log(runner)
            checkpoint["message_hub"] = runner.message_hub.state_dict()

    def _log(self, runner: Runner) -> None:
        waiting, self._waiting = self._waiting, []
        for values in fetched(waiting):
            for name, value in values.items():
                runner.message_hub.update_scalar(f"train/{name}", value)

    def _keep_norm(self, wrapper: OptimWrapper) -> None:
        clip = cast("Callable[..., Tensor | None]", wrapper.clip_func)
        if getattr(clip, "keeps_norm", False):  # training continues
            return

        @wraps(clip)
        def clip_and_keep(*args: Any, **kwargs: Any) -> None:
            self._norm = clip(*args, **kwargs)  # MMEngine would read a norm that is returned

        clip_and_keep.keeps_norm = True  # ty: ignore[missing-attribute]
        wrapper.clip_func = clip_and_keep  # ty: ignore[invalid-assignment]  # inferred


def fetched(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace tensors of one floating-point number by Python's, with one copy from the device.

    Args:
        steps: Values by name, of several training steps; others than such tensors stay.
    """
    places = [
        (i, name)
        for i, values in enumerate(steps)
        for name, value in values.items()
        if isinstance(value, Tensor) and value.numel() == 1 and value.is_floating_point()
    ]
    steps = [dict(values) for values in steps]
    if places:
        # float64 holds every shorter type exactly
        numbers = torch.stack([steps[i][name].double().reshape(()) for i, name in places])
        for (i, name), number in zip(places, numbers.tolist(), strict=True):
            steps[i][name] = number
    return steps


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value
