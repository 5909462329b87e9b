"""Save and end when a scheduler, a user or a closing terminal says so."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
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

#: A scheduler's, Ctrl-C, and that of a terminal that closes.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@HOOKS.register_module()
class StopSignalHook(Hook):
    """At SIGTERM, SIGINT or SIGHUP finish the iteration, save as ``interrupted.pth`` and end.

    ``--resume`` goes on behind that iteration, in the middle of an epoch or before a validation
    that was cut short. With several processes one that got the signal stops all, behind the same
    iteration; with gradient accumulation behind one that updates the weights. In iterations of a
    validation that some processes have not, nobody stops: training goes on by one. The exit status
    is 128 + the signal's number, as of any program that ends by it; a second signal ends at once. A
    signal that is ignored, as ``nohup`` has it, still is.
    """

    priority = "LOWEST"  # after all that an iteration or an epoch does

    def __init__(self) -> None:
        self._told = 0
        self._before: dict[int, Any] = {}
        self._shared = 0  # iterations of a validation that all processes have

    def before_train(self, runner: Runner) -> None:
        """Listen for the signals."""
        if threading.current_thread() is not threading.main_thread():  # others may not
            return
        for number in _SIGNALS:
            listener = getattr(signal.getsignal(number), "__self__", None)
            if isinstance(listener, StopSignalHook):  # of a run that ended with an error
                listener._stop_listening()
            # None: a handler that Python did not set, and could not set again
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._note)

    def after_train(self, runner: Runner) -> None:
        """Let the signals do what they did before."""
        self._stop_listening()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Stop behind this iteration, unless an epoch or a weight update goes on behind it."""
        # ``batch_idx`` counts from the epoch's start, or the loop's that has none
        updated = (batch_idx + 1) % accumulated_batches(runner) == 0
        if updated and not self.end_of_epoch(runner.train_dataloader, batch_idx):
            self._stop_if_told(runner, epoch=runner.epoch, iteration=runner.iter + 1)

    def after_train_epoch(self, runner: Runner) -> None:
        """Stop behind this epoch, or let the last one be validated."""
        if runner.epoch + 1 < runner.max_epochs:
            self._stop_if_told(runner, epoch=runner.epoch + 1, iteration=runner.iter)

    def before_val_epoch(self, runner: Runner) -> None:
        """Find out how many iterations of this validation all processes have."""
        # a sampler that does not round up gives one more to some, who would wait for the others
        shared = torch.tensor(len(runner.val_dataloader))
        all_reduce(shared, "min")
        self._shared = int(shared)

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence | None = None,
    ) -> None:
        """Stop in the middle of a validation, which is run again on resuming."""
        if batch_idx < self._shared:
            self._stop_if_told(runner, epoch=runner.epoch, iteration=runner.iter)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._told = number
        self._stop_listening()
        name = signal.Signals(number).name
        # not through the logger, in whose middle the signal may have come
        with contextlib.suppress(OSError):  # where the terminal is gone
            os.write(2, f"{name}: saving behind this iteration; again to end at once\n".encode())

    def _stop_listening(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def _stop_if_told(self, runner: Runner, *, epoch: int, iteration: int) -> None:
        told = self._told
        if get_world_size() > 1:
            flag = torch.tensor(float(told))
            all_reduce(flag, "max")
            told = int(flag)
        if not told:
            return
        runner.save_checkpoint(runner.work_dir, INTERRUPTED, meta=dict(epoch=epoch, iter=iteration))
        if is_main_process():
            name_as_last(Path(runner.work_dir), str(Path(runner.work_dir) / INTERRUPTED))
        print_log(
            f"stopped by {signal.Signals(told).name} after {iteration} iterations, saved as "
            f"{INTERRUPTED}; --resume goes on from there",
            logger="current",
            level=logging.WARNING,
        )
        sys.exit(128 + told)
