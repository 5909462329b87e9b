"""Workers of every start method begin, and end with their own parent alone."""

from __future__ import annotations

import os
import pickle
import subprocess
from collections.abc import Iterator

import pytest
from mmengine.runner import Runner
from mmengine.runner import runner as mmengine_runner
from torch.utils.data import Dataset

import mtlplugins

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


class Pids(Dataset):
    """Whose items are the processes that they are loaded in."""

    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> int:
        return os.getpid()


def test_what_workers_begin_with_travels() -> None:
    init = mmengine_runner.default_worker_init_fn
    assert pickle.loads(pickle.dumps(init)).init is init.init
    assert mtlplugins.compat.leave_stopping_to_the_parent() is None  # once is enough
    assert mmengine_runner.default_worker_init_fn is init


@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
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
    subprocess.run(["kill", "-TERM", str(worker)], check=True)  # not its parent
    assert {int(item) for item in items} == {worker}
