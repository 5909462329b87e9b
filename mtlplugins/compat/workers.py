"""Processes that load data."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from mmengine.runner import runner as mmengine_runner

from mtlplugins.compat._replace import replace_once


def leave_stopping_to_the_parent() -> None:
    """Let data workers end at SIGTERM only if their own parent sends it, not at Ctrl-C.

    Breaks: a scheduler that ends a job sends SIGTERM to all its processes, a terminal SIGINT or
    SIGHUP. The workers die, and
    PyTorch raises an error in the training process at whatever it is doing, such as the middle of
    an optimizer step, so that it can save nothing that is worth keeping.
    Since: every PyTorch up to 2.11.
    Ends: when PyTorch leaves it to the parent.
    """
    replace_once(mmengine_runner, "default_worker_init_fn", _deaf)


def _deaf(init: Callable[..., None]) -> Callable[..., None]:
    def worker_init_fn(worker_id: int, *args: Any, **kwargs: Any) -> None:
        for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to all
            signal.signal(number, signal.SIG_IGN)
        # a handler is not told who sent the signal; a thread that waits for it is
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
        init(worker_id, *args, **kwargs)

    return worker_init_fn


def _end_with_parent(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
