"""Data workers of every start method start, and end only with their own parent."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from mmengine.runner import Runner
from mmengine.runner import runner as mmengine_runner
from torch.utils.data import Dataset

import mtlplugins
from tests._slow import slow_except

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


class Pids(Dataset):
    """Whose items are the processes that they are loaded in; a thread comes with it."""

    def __init__(self) -> None:
        self.length = 64

    def __setstate__(self, state: dict) -> None:  # of old PyTorches importing starts some
        self.__dict__ = state
        threading.Thread(target=threading.Event().wait, daemon=True).start()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> int:
        return os.getpid()


def test_what_workers_begin_with_travels() -> None:
    init = mmengine_runner.default_worker_init_fn
    assert pickle.loads(pickle.dumps(init)).init is init.init
    assert mtlplugins.compat.ignore_signals_in_workers() is None  # once is enough
    assert mmengine_runner.default_worker_init_fn is init


@pytest.mark.parametrize("start", slow_except(["fork", "spawn", "forkserver"], "fork"))
def test_a_worker_of_any_start_method(start: str) -> None:
    loader = Runner.build_dataloader(
        dict(
            dataset=Pids(),
            batch_size=1,
            num_workers=1,
            prefetch_factor=1,
            sampler=dict(type="mmengine.DefaultSampler", shuffle=False),
            collate_fn=dict(type="default_collate"),
            multiprocessing_context=start,
        ),
        seed=0,
    )
    items: Iterator = iter(loader)
    worker = int(next(items))
    assert worker != os.getpid()
    # the signal goes to any thread that does not block it: to the one that waits for it alone
    blocked = [_blocked(task) for task in Path(f"/proc/{worker}/task").iterdir()]
    assert sum(not mask >> (signal.SIGTERM - 1) & 1 for mask in blocked) == 1
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    subprocess.run(["kill", "-TERM", str(worker)], check=True)  # not its parent
    assert {int(item) for item in items} == {worker}


def _blocked(task: Path) -> int:
    """The signals that a thread blocks, a bit for each."""
    lines = (task / "status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("SigBlk:")), 16)
