"""Peak memory of a function, measured in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch


def peak_megabytes(work: Callable[..., None], device: str, *arguments: Any) -> float:
    """Run ``work(*arguments)`` in a new process and measure its peak memory.

    Args:
        work: A module-level function, so that the process can import it.
        device: "cpu" for the growth of the process's memory, "cuda" for the GPU's memory.
        arguments: Arguments of ``work``.

    Raises:
        RuntimeError: The process ended without a result, for example out of memory.
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
    """Read this process's memory (Linux); the maximum of getrusage includes its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
