"""Hours of training, validating and saving take no more memory and files than the first minutes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmengine.hooks import Hook
from mmengine.runner import Runner

from tests.faults._killable import make_config

pytestmark = [pytest.mark.faults, pytest.mark.slow]

MINUTES = float(os.environ.get("SOAK_MINUTES", 60))
MEGABYTE = 2**20


class Meter(Hook):
    """At each epoch's end note what this process and its workers hold; end when time is up."""

    priority = "LOWEST"

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.readings: list[tuple[float, float, int, int]] = []

    def after_val_epoch(self, runner: Runner, metrics: Any = None) -> None:
        workers = runner.train_dataloader._iterator._workers
        processes = [Path("/proc/self"), *(Path(f"/proc/{worker.pid}") for worker in workers)]
        memory = sum(_own_memory(process) for process in processes) / MEGABYTE
        files = sum(len(os.listdir(process / "fd")) for process in processes)
        threads = sum(len(os.listdir(process / "task")) for process in processes)
        minutes = (time.monotonic() - self.began) / 60
        self.readings.append((minutes, memory, files, threads))
        if minutes > MINUTES:
            runner.train_loop.stop_training = True


def _own_memory(process: Path) -> int:
    """Bytes that the process wrote and shares with no other.

    Workers share most with their parent; and pages of libraries, which nobody writes, become
    private when another program that uses them ends.
    """
    lines = (process / "smaps_rollup").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))


def test_memory_and_files_stay_flat(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Over the second half, memory grows by less than 5 %, and neither files nor threads do.

    A little it does grow: MMEngine keeps each number that was logged.
    """
    cfg = make_config(tmp_path, by_epoch=True, workers=2)
    cfg.train_cfg.max_epochs = 10**6
    cfg.param_scheduler[0].total_steps = 10**6
    runner = Runner.from_cfg(cfg)
    meter = Meter()
    runner.register_hook(meter)
    runner.train()
    runner.train_dataloader._iterator = None
    minutes, memory, files, threads = np.array(meter.readings).T
    with capsys.disabled():
        print(f"\n{len(minutes)} epochs in {minutes[-1]:.0f} minutes")
        for at in np.linspace(0, len(minutes) - 1, 13).astype(int):
            print(f"{minutes[at]:6.1f} min {memory[at]:8.1f} MB {files[at]:4} files {threads[at]}")
    late = slice(len(minutes) // 2, None)
    slope, start = np.polyfit(np.arange(len(minutes[late])), memory[late], 1)
    assert slope * len(minutes[late]) < 0.05 * start
    assert len(set(files[late])) == 1
    assert len(set(threads[late])) == 1
