"""Worker process that runs steps, and can be killed with all its child processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from pkgutil import resolve_name

from .records import Records
from .steps import Setting, Step


class Worker:
    """Process in its own session; it imports PyTorch once for all steps.

    Args:
        log: File to append its output to.
    """

    def __init__(self, log: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, log))
        self._process.start()
        theirs.close()

    def run(self, step: Step, setting: Setting, records: Path, *, seconds: float) -> str:
        """Run a step; return "done", "timed out" or "failed: …"."""
        self._connection.send((step, replace(setting, seconds=seconds), records))
        try:
            if not self._connection.poll(seconds):
                return "timed out"
            return self._connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            return f"failed: the process ended with exit status {self._process.exitcode}"

    def kill(self) -> None:
        """Kill the process and its child processes."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()  # if it had not yet become the leader of its group
        self._process.join()
        self._connection.close()


def _serve(connection: Connection, log: Path) -> None:
    os.setsid()
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    while True:
        try:
            step, setting, records = connection.recv()
        except EOFError:  # the report has been stopped
            return
        print(f"=== {step.name} {step.arguments_for(setting)}", flush=True)
        connection.send(_run(step, setting, Records(records)))


def _run(step: Step, setting: Setting, records: Records) -> str:
    try:
        measure = resolve_name(step.measure)
        for table in measure(setting, **step.arguments_for(setting)):
            records.add(step=step.name, table=table.json(), markdown=table.markdown())
            print(table.markdown(), flush=True)
    except Exception as error:
        traceback.print_exc()
        return f"failed: {type(error).__name__}: {str(error)[:500]}"
    return "done"
