"""Memory and open files stay flat in hours of training, validating and saving."""

from __future__ import annotations

import os
import time
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mtlplugins.engine import MultiTaskRunner
from tests.faults._killable import make_config

pytestmark = [pytest.mark.faults, pytest.mark.slow]

MINUTES = float(os.environ.get("SOAK_MINUTES", 60))
#: Of smaps_rollup: what a process wrote, or another that it was forked from, whoever shares it.
HELD = ("Anonymous", "Swap", "Pss_Shmem")
#: The same, with a page that n processes share counted as 1/n in each.
USED = ("Pss_Anon", "SwapPss", "Pss_Shmem")


class Meter(Hook):
    """At each epoch's end note what this process and its workers hold; end when time is up."""

    priority = "LOWEST"

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.readings = array("d")  # a list of tuples would take five times as much

    def after_val_epoch(self, runner: Runner, metrics: Any = None) -> None:
        workers = runner.train_dataloader._iterator._workers
        processes = [Path("/proc/self"), *(Path(f"/proc/{worker.pid}") for worker in workers)]
        memory = list(map(_memory, processes))
        held = sum(entry[name] for entry in memory for name in HELD) / 1024
        used = sum(entry[name] for entry in memory for name in USED) / 1024
        files = sum(len(os.listdir(process / "fd")) for process in processes)
        threads = sum(len(os.listdir(process / "task")) for process in processes)
        minutes = (time.monotonic() - self.began) / 60
        self.readings.extend((minutes, held, used, files, threads))
        if minutes > MINUTES:
            runner.train_loop.stop_training = True


def _memory(process: Path) -> dict[str, int]:
    """Kilobytes by kind."""
    _, *lines = (process / "smaps_rollup").read_text().splitlines()
    return {words[0].rstrip(":"): int(words[1]) for words in map(str.split, lines)}


def test_memory_and_files_stay_flat(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    """Over the second half nothing grows, but for pages that a process stops to share.

    Workers begin with all of their parent's memory and share each page until one of them writes to
    it. So pages become copies, ever more slowly; what the processes hold, with a shared page
    counted in each, does not change by that. A leak grows in both.
    """
    cfg = make_config(tmp_path, by_epoch=True, workers=2)
    cfg.train_cfg.max_epochs = 10**6
    cfg.param_scheduler[0].total_steps = 10**6
    runner = MultiTaskRunner.from_cfg(cfg)
    meter = Meter()
    runner.register_hook(meter)
    runner.train()
    runner.train_dataloader._iterator = None
    minutes, held, used, files, threads = np.array(meter.readings).reshape(-1, 5).T
    with capfd.disabled():  # not capsys, which keeps what the run prints in memory
        print(f"\n{len(minutes)} epochs in {minutes[-1]:.0f} minutes")
        for at in np.linspace(0, len(minutes) - 1, 13).astype(int):
            print(
                f"{minutes[at]:6.1f} min {held[at]:9.2f} MB held {used[at]:9.2f} MB used "
                f"{files[at]:4.0f} files {threads[at]:4.0f} threads"
            )
    late = slice(len(minutes) // 2, None)
    assert _growth(held[late]) < 1
    assert _growth(used[late]) < 0.01 * used[late][0]
    assert len(set(files[late])) == 1
    assert len(set(threads[late])) == 1


def _growth(readings: np.ndarray) -> float:
    """From the first to the last, along the line that fits best."""
    slope, _ = np.polyfit(np.arange(len(readings)), readings, 1)
    return slope * len(readings)
