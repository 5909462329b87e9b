"""DataLoader workers that ignore the signals which end a job; the training process gets them."""

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


def ignore_signals_in_workers() -> None:
    """Make data workers end at SIGTERM only if their own parent sends it, and not at Ctrl-C.

    Breaks: a scheduler that ends a job sends SIGTERM to all its processes, a terminal SIGINT or
    SIGHUP. The workers die, and PyTorch raises an error in the training process at any point, such
    as the middle of an optimizer step, so it cannot save a usable checkpoint.
    Since: every PyTorch up to 2.11.
    Ends: when PyTorch's workers leave stopping to their parent.
    """
    replace_once(mmengine_runner, "default_worker_init_fn", _ignoring_signals)
    replace_once(_MultiProcessingDataLoaderIter, "__init__", _with_sigterm_blocked)


def _with_sigterm_blocked(start: Callable[..., None]) -> Callable[..., None]:
    """Block SIGTERM while workers start; they inherit the mask.

    In a worker that is not forked, imports may start threads (PyTorch 2.4 does) before
    :class:`_SignalProofInit` is called; a signal goes to any thread that does not block it.
    """

    def starting(self: Any, *args: Any, **kwargs: Any) -> None:
        """Start the workers with SIGTERM blocked."""
        resource_tracker.ensure_running()  # it unblocks SIGTERM when it starts
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            start(self, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    return starting


def _ignoring_signals(init: Callable[..., None]) -> _SignalProofInit:
    return _SignalProofInit(init)


class _SignalProofInit:
    """Worker init function; a class, because closures cannot be pickled for spawned workers."""

    def __init__(self, init: Callable[..., None]) -> None:
        self.init = init

    def __call__(self, worker_id: int, *args: Any, **kwargs: Any) -> None:
        for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to all
            signal.signal(number, signal.SIG_IGN)
        # a handler is not told who sent the signal; `sigwaitinfo` in a thread is
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        # with a fork server the system's parent is the server
        parent = multiprocessing.parent_process()
        pid = os.getppid() if parent is None else parent.pid
        threading.Thread(target=_end_with_parent, args=(pid,), daemon=True).start()
        self.init(worker_id, *args, **kwargs)


def _end_with_parent(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
