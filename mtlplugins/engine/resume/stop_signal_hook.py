"""Save a checkpoint and end on SIGTERM, SIGINT or SIGHUP."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.common.private import accumulated_batches

from .work_dir import INTERRUPTED, name_as_last

#: Sent by a job scheduler, by Ctrl-C, and by a closing terminal.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@HOOKS.register_module()
class StopSignalHook(Hook):
    """On SIGTERM, SIGINT or SIGHUP finish the iteration, save ``interrupted.pth`` and end.

    ``--resume`` continues after that iteration, within an epoch if need be; a validation that was
    interrupted runs again. In distributed training a signal to one rank stops all ranks after the
    same iteration; with gradient accumulation, after the next update of the weights. Ranks may have
    unequal numbers of validation batches: the surplus ones do not stop, the next training iteration
    does. The exit status is 128 + the signal's number, as for any program that a signal ends; a
    second signal ends at once. A signal that the process ignores (``nohup``) is still ignored.
    """

    priority = "LOWEST"  # after everything else in an iteration or an epoch

    def __init__(self) -> None:
        self._signal = 0
        self._before: dict[int, Any] = {}
        self._shared = 0  # validation iterations that all ranks have

    def before_train(self, runner: Runner) -> None:
        """Listen for the signals."""
        if threading.current_thread() is not threading.main_thread():  # only it may set handlers
            return
        for number in _SIGNALS:
            listener = getattr(signal.getsignal(number), "__self__", None)
            if isinstance(listener, StopSignalHook):  # from a run that ended with an error
                listener._stop_listening()
            # None: a handler that Python did not set and could not restore
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._on_signal)

    def after_train(self, runner: Runner) -> None:
        """Restore the signal handlers."""
        self._stop_listening()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: Any = None
    ) -> None:
        """Stop after this iteration if it updated the weights and does not end an epoch."""
        # ``batch_idx`` counts from the start of the epoch; in a loop without epochs, of the run
        updated = (batch_idx + 1) % accumulated_batches(runner) == 0
        if updated and not self.end_of_epoch(runner.train_dataloader, batch_idx):
            self._stop_if_signalled(runner, epoch=runner.epoch, iteration=runner.iter + 1)

    def after_train_epoch(self, runner: Runner) -> None:
        """Stop after this epoch, unless it is the last, which is validated first."""
        if runner.epoch + 1 < runner.max_epochs:
            self._stop_if_signalled(runner, epoch=runner.epoch + 1, iteration=runner.iter)

    def before_val_epoch(self, runner: Runner) -> None:
        """Agree on the number of validation iterations that all ranks have."""
        # a sampler that does not round up gives some ranks one more; they would wait for the rest
        shared = torch.tensor(len(runner.val_dataloader))
        all_reduce(shared, "min")
        self._shared = int(shared)

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: Any = None
    ) -> None:
        """Stop during a validation, which runs again on resume."""
        if batch_idx < self._shared:
            self._stop_if_signalled(runner, epoch=runner.epoch, iteration=runner.iter)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        self._stop_listening()
        name = signal.Signals(number).name
        # not through the logger, whose code the signal may have interrupted
        with contextlib.suppress(OSError):  # the terminal may be gone
            os.write(2, f"{name}: saving after this iteration; again to end at once\n".encode())

    def _stop_listening(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def _stop_if_signalled(self, runner: Runner, *, epoch: int, iteration: int) -> None:
        received = self._signal
        if get_world_size() > 1:
            flag = torch.tensor(float(received))
            all_reduce(flag, "max")
            received = int(flag)
        if not received:
            return
        runner.save_checkpoint(runner.work_dir, INTERRUPTED, meta=dict(epoch=epoch, iter=iteration))
        if is_main_process():
            name_as_last(Path(runner.work_dir), str(Path(runner.work_dir) / INTERRUPTED))
        print_log(
            f"stopped by {signal.Signals(received).name} after {iteration} iterations, saved as "
            f"{INTERRUPTED}; --resume continues from there",
            logger="current",
            level=logging.WARNING,
        )
        sys.exit(128 + received)
