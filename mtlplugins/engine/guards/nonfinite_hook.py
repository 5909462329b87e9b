"""Stop at, or leave out, batches whose losses or gradients are not finite."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

from .update_guard import UpdateGuard

_COUNT = "batches_skipped"


class _Batch(NamedTuple):
    """What is told of a batch if its step is refused."""

    iteration: int
    losses: dict[str, Tensor]
    files: list[str]


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Name the task, the iteration and the images where a loss is not finite; stop or go on.

    An :class:`UpdateGuard` keeps such a batch from the weights and the optimizer's state, whatever
    the action, in all processes alike. A skipped batch leaves no trace in the model: what the
    forward pass did to buffers, such as the statistics of batch norms, is taken back. Schedules and
    the numbers of iterations and draws go on, as after any other batch; so does the average of an
    ``EMAHook``, which is one over iterations. Of gradients that are not finite while the losses
    are, it names the parameters.

    Args:
        action: ``'stop'`` with an error, or ``'skip'``: log it, count it and go on. The count lives
            on in the checkpoints.

    Raises:
        FloatingPointError: By action, or after 100 skipped updates in a row, which learn nothing.
    """

    priority = "ABOVE_NORMAL"  # before what averages, saves or shows weights
    LONGEST = 100

    def __init__(self, action: str = "stop") -> None:
        if action not in ("stop", "skip"):
            raise ValueError(f"NonFiniteHook: action={action!r}, give 'stop' or 'skip'")
        self.action = action
        self._guard: UpdateGuard | None = None
        self._window: list[_Batch] = []  # batches since the last update
        self._buffers: list[Tensor] = []  # as they were before them
        self._in_a_row = 0

    def before_train(self, runner: Runner) -> None:
        """Guard the optimizer wrapper."""
        if self._guard is None or self._guard.wrapper is not runner.optim_wrapper:
            self._guard = UpdateGuard(runner.optim_wrapper)
        self._window = []

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Remember the buffers, to take back what batches that are skipped do to them."""
        if self.action == "skip" and not self._window:
            self._buffers = [buffer.clone() for buffer in runner.model.buffers()]

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Look whether the step was refused."""
        losses = {
            name: value.detach() if isinstance(value, Tensor) else value
            for name, value in (outputs or {}).items()
            if "loss" in name
        }
        self._window.append(_Batch(runner.iter + 1, losses, _files(data_batch)))
        stepped = self._guard.take_verdict()
        if stepped is None:
            return
        window, self._window = self._window, []
        if stepped:
            self._in_a_row = 0
            return
        own = "; ".join(filter(None, map(_what_is_wrong, window)))
        # every process comes here: they agreed on the verdict
        found = list(dict.fromkeys(filter(None, all_gather_object(own))))
        if not found:
            found = list(dict.fromkeys(all_gather_object(_where(window))))
            found.insert(
                0, f"the losses are finite, but not the gradients of {self._broken(runner)}"
            )
        self._refused(runner, "; ".join(found), window)

    def _broken(self, runner: Runner) -> str:
        broken = set(map(id, self._guard.broken))
        names = [name for name, p in runner.model.named_parameters() if id(p) in broken]
        return f"{len(names)} parameters ({', '.join(names[:3])}{', …' * (len(names) > 3)})"

    def _refused(self, runner: Runner, what: str, window: list[_Batch]) -> None:
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


def _warn(message: str) -> None:
    print_log(message, logger="current", level=logging.WARNING)


def _files(data_batch: Any) -> list[str]:
    samples = data_batch.get("data_samples") if isinstance(data_batch, dict) else None
    return [str(sample.get("img_path", "?")) for sample in samples or ()]


def _where(window: list[_Batch]) -> str:
    return "; ".join(f"iteration {b.iteration}, images: {', '.join(b.files)}" for b in window)


def _what_is_wrong(batch: _Batch) -> str:
    """Name the tasks of a batch whose losses are not finite; empty where all are."""
    values = {name: float(value) for name, value in batch.losses.items()}
    wrong = {name: value for name, value in values.items() if not -torch.inf < value < torch.inf}
    parts = {name: value for name, value in wrong.items() if name != "loss"}
    named = [
        f"task {name.removesuffix('_loss')!r} has a loss of {value}"
        for name, value in (parts or wrong).items()
    ]
    return f"{', '.join(named)} in {_where([batch])}" if named else ""
