"""Record the golden numbers again: ``make golden``. The commit must say why they changed."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import tempfile
from pathlib import Path

from tests.golden import runs

FOLDER = Path(__file__).parent
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.golden.runs"])


def measure(name: str, folder: Path, *, stopped: bool = False) -> dict:
    """Train in a process of its own and return what was noted; ``stopped``: in two parts."""
    parts = [dict(stop_after=13), dict(resume=True)] if stopped else [{}]
    records = []
    for number, arguments in enumerate(parts):
        out = folder / f"{number}.json"
        process = _PROCESSES.Process(target=_train, args=(name, folder, out, arguments))
        process.start()
        process.join()
        if not out.is_file():
            log = (folder / "log").read_text()
            raise RuntimeError(f"the golden run {name} failed:\n{log[-3000:]}")
        records.append(json.loads(out.read_text()))
    *_, last = records
    return {
        key: [value for record in records for value in record[key]]
        for key in ("loss", "grad_norm", "scores")
    } | dict(weights=last["weights"])


def _train(name: str, folder: Path, out: Path, arguments: dict) -> None:
    # a server that was started together with data workers, which SIGTERM does not end, blocks it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    with (folder / "log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    out.write_text(json.dumps(runs.train(name, folder, **arguments)))


def main() -> None:
    """Record all runs."""
    for name in runs.RUNS:
        with tempfile.TemporaryDirectory() as folder:
            record = dict(machine=runs.machine(), **measure(name, Path(folder)))
        (FOLDER / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
        print(f"recorded {name}")


if __name__ == "__main__":
    main()
