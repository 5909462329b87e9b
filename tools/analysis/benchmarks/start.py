"""Benchmark of the start-up time, from the command line to the first iteration."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .tables import Table
from .timing import Spread

ROOT = Path(__file__).resolve().parents[3]
CONFIG = "configs/rooms/swin_cond_rooms.py"


def measure(*, config: str = CONFIG, repeats: int = 3) -> list[Table]:
    """Start trainings and stop them at the first logged iteration."""
    seconds = [_seconds(config) for _ in range(repeats)]
    return [
        Table(
            "Start",
            ("command", "ms to the first iteration (quartiles)"),
            [(f"python tools/train.py {config}", Spread.of(seconds))],
        )
    ]


def _seconds(config: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "tools/train.py", config, "--work-dir", folder]
        command += ["--cfg-options", "default_hooks.logger.interval=1"]
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
        )
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if "Epoch(train)" in line:
                    return time.perf_counter() - began
        finally:
            process.kill()
            process.wait()
    raise RuntimeError(f"{' '.join(command)} ended before an iteration: {''.join(lines)[-500:]}")
