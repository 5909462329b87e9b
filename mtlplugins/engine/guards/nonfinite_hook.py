"""Stop at, or skip, batches whose losses or gradients are not finite (NaN, infinite)."""

from __future__ import annotations

import logging
import re
from typing import Any, NamedTuple, cast

import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor, nn

from .update_guard import UpdateGuard

_COUNT = "batches_skipped"
#: Names of parameters that belong to one task.
_OF_A_TASK = re.compile(r"(?:^|\.)(?:decoders|heads|task_embedding\.vectors)\.([^.]+)")


class _Batch(NamedTuple):
    """Report data of a batch, in case its step is refused."""

    iteration: int
    losses: dict[str, Tensor]
    files: list[str]


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Report task, iteration and images of a loss that is not finite, then stop or skip the batch.

    Whatever the action, an :class:`UpdateGuard` keeps such a batch out of the weights and the
    optimizer state, on all ranks alike. A skipped batch leaves no trace in the model: buffers that
    the forward pass changed, such as batch-norm statistics, are restored. Schedules, iteration
    numbers and draws advance as after any other batch, and so does the average of an ``EMAHook``,
    which counts iterations. If the losses are finite but gradients are not, the parameters are
    named, and the tasks whose own parameters are among them.

    Args:
        action: ``'stop'`` with an error, or ``'skip'``: log and count the batch, and continue. The
            count is saved in the checkpoints.

    Raises:
        FloatingPointError: With ``'stop'``, or after 100 skipped updates in a row.
    """

    priority = "ABOVE_NORMAL"  # before hooks that average, save or show weights
    LONGEST = 100

    def __init__(self, action: str = "stop") -> None:
        if action not in ("stop", "skip"):
            raise ValueError(f"NonFiniteHook: action={action!r}, give 'stop' or 'skip'")
        self.action = action
        self._guard: UpdateGuard | None = None
        self._window: list[_Batch] = []  # batches since the last update
        self._buffers: list[Tensor] = []  # copies from before them
        self._in_a_row = 0

    def before_train(self, runner: Runner) -> None:
        """Guard the optimizer wrapper."""
        if self._guard is None or self._guard.wrapper is not runner.optim_wrapper:
            self._guard = UpdateGuard(cast(OptimWrapper, runner.optim_wrapper))
        self._window = []

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Copy the buffers, to restore them if the batch is skipped."""
        if self.action == "skip" and not self._window:
            self._buffers = [buffer.clone() for buffer in runner.model.buffers()]

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: Any = None
    ) -> None:
        """Check whether the step was refused."""
        losses = {
            name: value.detach() if isinstance(value, Tensor) else value
            for name, value in (outputs or {}).items()
            if "loss" in name
        }
        self._window.append(_Batch(runner.iter + 1, losses, _files(data_batch)))
        assert self._guard is not None  # set by before_train
        stepped = self._guard.take_verdict()
        if stepped is None:
            return
        window, self._window = self._window, []
        if stepped:
            self._in_a_row = 0
            return
        own = "; ".join(filter(None, map(_describe, window)))
        # collective: all ranks get here, as they share the verdict
        found = list(dict.fromkeys(filter(None, all_gather_object(own))))
        if not found:
            found = list(dict.fromkeys(all_gather_object(_where(window))))
            broken = _parameter_names(runner.model, self._guard.broken)
            found.insert(0, f"the losses are finite, but not the gradients of {broken}")
        self._stop_or_skip(runner, "; ".join(found), window)

    def _stop_or_skip(self, runner: Runner, what: str, window: list[_Batch]) -> None:
        if self.action == "stop":
            raise FloatingPointError(
                f"{what}. The weights are those before this iteration. Look at these images, lower "
                "the learning rate or clip gradients (optim_wrapper.clip_grad); to leave such "
                "batches out and count them, set default_hooks.nonfinite.action=skip"
            )
        with torch.no_grad():
            for buffer, before in zip(runner.model.buffers(), self._buffers, strict=True):
                buffer.copy_(before)
        count = runner.message_hub.get_info(_COUNT, 0) + len(window)
        runner.message_hub.update_info(_COUNT, count)
        _warn(f"skipped {len(window)} batch(es), {count} since the start: {what}")
        self._in_a_row += 1
        if self._in_a_row >= self.LONGEST:
            raise FloatingPointError(
                f"{self.LONGEST} updates in a row were skipped, nothing is learnt any more; the "
                f"last: {what}"
            )

    def after_train_epoch(self, runner: Runner) -> None:
        """Log how many batches were skipped."""
        if count := runner.message_hub.get_info(_COUNT, 0):
            _warn(f"{count} batches skipped since the start: losses or gradients not finite")


def _parameter_names(model: nn.Module, parameters: list[nn.Parameter]) -> str:
    wanted = set(map(id, parameters))
    names = [name for name, p in model.named_parameters() if id(p) in wanted]
    tasks = dict.fromkeys(match[1] for match in map(_OF_A_TASK.search, names) if match)
    whose = f"task {', '.join(map(repr, tasks))}: " if tasks else ""
    return f"{whose}{len(names)} parameters ({', '.join(names[:3])}{', …' * (len(names) > 3)})"


def _warn(message: str) -> None:
    print_log(message, logger="current", level=logging.WARNING)


def _files(data_batch: Any) -> list[str]:
    samples = data_batch.get("data_samples") if isinstance(data_batch, dict) else None
    return [str(sample.get("img_path", "?")) for sample in samples or ()]


def _where(window: list[_Batch]) -> str:
    return "; ".join(f"iteration {b.iteration}, images: {', '.join(b.files)}" for b in window)


def _describe(batch: _Batch) -> str:
    """Name the tasks of a batch whose losses are not finite; empty if all are finite."""
    values = {name: float(value) for name, value in batch.losses.items()}
    wrong = {name: value for name, value in values.items() if not -torch.inf < value < torch.inf}
    parts = {name: value for name, value in wrong.items() if name != "loss"}
    named = [
        f"task {name.removesuffix('_loss')!r} has a loss of {value}"
        for name, value in (parts or wrong).items()
    ]
    return f"{', '.join(named)} in {_where([batch])}" if named else ""
