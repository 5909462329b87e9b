"""A rank that dies ends the others, with an error that says why."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
#: Seconds that the survivors may take; they take a few.
WITHIN = 60
CONFIG = """
_base_ = "{root}/configs/rooms/swin_only_depth_rooms.py"
custom_imports = dict(imports=["mtlplugins", "tests.faults._dying"], allow_failed_imports=False)
custom_hooks = [
    dict(type="CheckTasksHook"),
    dict(type="StepSeedHook"),
    dict(type="DyingHook", where="{where}", way="{way}", witness="{folder}/witness"),
]
env_cfg = dict(dist_cfg=dict(timeout={timeout}))
train_dataloader = dict(batch_size=1, dataset=dict(length={images}, size=(32, 48)))
val_dataloader = dict(batch_size=1, dataset=dict(length=40, size=(32, 48)))
test_dataloader = val_dataloader
default_hooks = dict(logger=dict(interval=1))
"""
#: By what the last words of a survivor name the cause, as gloo has it.
LOST = r"Connection closed by peer|Connection reset by peer|Broken pipe|Socket closed"
LATE = r"Timed out waiting"


class Group:
    """Processes under way, and what they write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen] = []

    def start(self, *command: object, **environment: str) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHON": sys.executable,
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
            **environment,
        }
        with self._log(len(self.processes)).open("w") as log:
            # in a session of its own, so that it can be ended with its children
            process = subprocess.Popen(
                [*map(str, command)],
                env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)

    def start_two(self, config: Path, *, launcher: bool) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        work_dir = ("--work-dir", self.folder / "work")
        if launcher:
            self.start(ROOT / "tools/dist_train.sh", config, 2, *work_dir, PORT=port)
            return
        for rank in "01":
            self.start(
                sys.executable, ROOT / "tools/train.py", config, "--launcher", "pytorch", *work_dir,
                RANK=rank, LOCAL_RANK=rank, WORLD_SIZE="2",
                MASTER_ADDR="127.0.0.1", MASTER_PORT=port,
            )  # fmt: skip

    def wait_for_death(self) -> int:
        """Wait until a process is about to die, and give its number."""
        witness = self.folder / "witness"
        for _ in range(1200):
            if witness.is_file():
                return int(witness.read_text())
            assert any(process.poll() is None for process in self.processes), self.words(0)
            time.sleep(0.25)
        raise AssertionError(f"it did not come to it: {self.words(0)}")

    def end(self, processes: Sequence[subprocess.Popen]) -> list[int]:
        """Exit statuses; a process that hangs fails the test."""
        last = time.monotonic() + WITHIN
        return [process.wait(timeout=max(last - time.monotonic(), 0.01)) for process in processes]

    def words(self, number: int) -> str:
        return self._log(number).read_text()

    def _log(self, number: int) -> Path:
        return self.folder / f"{number}.log"


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    group = Group(tmp_path)
    yield group
    for process in group.processes:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        process.wait()


def write_config(folder: Path, *, where: str, way: str, timeout: int = 600) -> Path:
    config = folder / "dying.py"
    images = 4000 if where == "train" else 4
    config.write_text(
        CONFIG.format(
            root=ROOT, where=where, way=way, folder=folder, timeout=timeout, images=images
        )
    )
    return config


@pytest.mark.parametrize(
    ("where", "way", "said"),
    [
        ("train", "kill", r"exitcode\s*: -9 .*Signal 9 \(SIGKILL\)"),
        ("train", "raise", r"OSError: cannot read 0007.png: truncated"),
        ("val", "kill", r"exitcode\s*: -9 .*Signal 9 \(SIGKILL\)"),
    ],
    ids=["killed in training", "error in training", "killed in validation"],
)
def test_launcher_ends_with_a_rank_that_dies(group: Group, where: str, way: str, said: str) -> None:
    group.start_two(write_config(group.folder, where=where, way=way), launcher=True)
    group.wait_for_death()
    (status,) = group.end(group.processes)
    assert status != 0
    words = group.words(0)
    assert "ChildFailedError" in words
    assert re.search(said, words, re.S)
    assert re.search(r"rank\s*: 1 ", words)  # torchrun's word for which it was


@pytest.mark.parametrize(("where", "way"), [("train", "kill"), ("train", "raise"), ("val", "kill")])
def test_processes_without_a_launcher_end_too(group: Group, where: str, way: str) -> None:
    """As under ``srun``, but for what Slurm itself would do."""
    group.start_two(write_config(group.folder, where=where, way=way), launcher=False)
    group.wait_for_death()
    survivor, dead = group.end(group.processes)
    assert dead == (-signal.SIGKILL if way == "kill" else 1)
    assert survivor > 0
    assert re.search(LOST, group.words(0))
    if way == "raise":
        assert "OSError: cannot read 0007.png: truncated" in group.words(1)


def test_a_rank_that_hangs_ends_the_others_after_the_time_that_the_config_gives(
    group: Group,
) -> None:
    config = write_config(group.folder, where="train", way="stop", timeout=15)
    group.start_two(config, launcher=False)
    group.wait_for_death()
    (survivor,) = group.end(group.processes[:1])
    assert survivor > 0
    assert re.search(LATE, group.words(0))
    assert group.processes[1].poll() is None  # it is only stopped, and takes no signal but a kill
