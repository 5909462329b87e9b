"""DataLoader workers: signals that end a job reach the training process alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import resource_tracker
from typing import Any

from mmengine.runner import runner as mmengine_runner
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from ._replace import replace_once


def leave_stopping_to_the_parent() -> None:
    """Let data workers end at SIGTERM only if their own parent sends it, not at Ctrl-C.

    Breaks: a scheduler that ends a job sends SIGTERM to all its processes, a terminal SIGINT or
    SIGHUP. The workers die, and PyTorch raises an error in the training process at whatever it is
    doing, such as the middle of an optimizer step, so that it can save nothing that is worth
    keeping.
    Since: every PyTorch up to 2.11.
    Ends: when PyTorch leaves it to the parent.
    """
    replace_once(mmengine_runner, "default_worker_init_fn", _Deaf)
    replace_once(_MultiProcessingDataLoaderIter, "__init__", _start_deaf)


def _start_deaf(start: Callable[..., None]) -> Callable[..., None]:
    """Block SIGTERM while workers start, which inherit that.

    Importing may start threads in a worker that is not forked (PyTorch 2.4 does), before
    :class:`_Deaf` is called and beyond its reach: a signal goes to any thread that does not block.
    """

    def starting(self: Any, *args: Any, **kwargs: Any) -> None:
        resource_tracker.ensure_running()  # unblocks SIGTERM when it begins
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            start(self, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    return starting


class _Deaf:
    """Start of a worker; an object, as a closure cannot be sent to workers that are not forked."""

    def __init__(self, init: Callable[..., None]) -> None:
        self.init = init

    def __call__(self, worker_id: int, *args: Any, **kwargs: Any) -> None:
        for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to all
            signal.signal(number, signal.SIG_IGN)
        # a handler is not told who sent the signal; a thread that waits for it is
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        # the system's parent is another process where a fork server starts the workers
        parent = multiprocessing.parent_process()
        pid = os.getppid() if parent is None else parent.pid
        threading.Thread(target=_end_with_parent, args=(pid,), daemon=True).start()
        self.init(worker_id, *args, **kwargs)


def _end_with_parent(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
