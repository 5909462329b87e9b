"""Benchmark case with denormal numbers flushed to zero, in a process of its own.

The setting is per thread, and a new thread inherits it from the thread that starts it. Set between
two cases, it would affect only the calling thread, not PyTorch's other threads; here it is set
before they exist.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import torch

from mtlplugins.common.memory import keep_freed_memory


class Flushed:
    """Call a case in a new process, which ends with the ``with`` block.

    Args:
        make: Function that makes the case; a module-level one, so that the process can import it.
        arguments: Arguments of ``make``.
    """

    def __init__(self, make: Callable[..., Callable[..., Any]], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments))
        self._process.start()
        theirs.close()

    def __enter__(self) -> Flushed:
        return self

    def __call__(self, *arguments: Any) -> Any:
        """Run the case with ``arguments`` and return its result.

        Raises:
            RuntimeError: The process ended without an answer.
        """
        try:
            self._connection.send(arguments)
            return self._connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._process.join()
            status = self._process.exitcode
            raise RuntimeError(f"the flushed case ended with exit status {status}") from None

    def __exit__(self, *error: object) -> None:
        self._connection.close()
        self._process.join()


def _serve(
    connection: Connection, make: Callable[..., Callable[..., Any]], arguments: tuple[Any, ...]
) -> None:
    if not torch.set_flush_denormal(True):
        raise RuntimeError("this processor cannot compute with denormals as 0")
    keep_freed_memory()
    case = make(*arguments)
    while True:
        try:
            asked = connection.recv()
        except EOFError:  # the benchmark has closed the connection
            return
        connection.send(case(*asked))
