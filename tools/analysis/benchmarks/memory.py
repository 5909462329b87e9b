"""Peak memory of a function, measured in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch


def peak_megabytes(work: Callable[..., None], device: str, *arguments: Any) -> float:
    """Run ``work(*arguments)`` in a new process.

    Args:
        work: A function of a module, which a new process can import.
        device: "cpu" for the process's memory over that with which it started, "cuda" for the
            device's.
        arguments: What it is called with.

    Raises:
        RuntimeError: The process ended without an answer, as for lack of memory.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(sender, work, device, arguments))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"{work.__name__} ended with exit status {process.exitcode}") from None
    finally:
        process.join()


def _measure(
    sender: Connection, work: Callable[..., None], device: str, arguments: tuple[Any, ...]
) -> None:
    before = _kibibytes("VmRSS")
    work(*arguments)
    if device == "cuda":
        sender.send(torch.cuda.max_memory_allocated() / 2**20)
    else:
        sender.send((_kibibytes("VmHWM") - before) / 1024)


def _kibibytes(name: str) -> int:
    """Read what Linux says of this process; getrusage's maximum is its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
