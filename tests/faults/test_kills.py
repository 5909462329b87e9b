"""Runs killed repeatedly end bit by bit as an uninterrupted one."""

from __future__ import annotations

import random
import signal
import socket
import time
from functools import cache
from pathlib import Path

import pytest
import torch

from tests.faults._killable import BATCHES, EPOCHS, PROCESSES, start

pytestmark = pytest.mark.faults

KILLS = 6  # of each of the four kinds of run
KINDS = [(True, 0), (True, 2), (False, 0), (False, 2)]


def finished(work_dir: Path, by_epoch: bool) -> dict:
    """The last checkpoint."""
    name = f"epoch_{EPOCHS}.pth" if by_epoch else f"iter_{EPOCHS * BATCHES}.pth"
    return torch.load(work_dir / name, weights_only=False)


def assert_same(one: object, other: object, where: str = "") -> None:
    """Compare what a checkpoint holds, bit by bit."""
    assert type(one) is type(other), where
    if isinstance(one, dict):
        assert list(one) == list(other), where
        for key in one:
            assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{index}]")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif not hasattr(one, "__dict__"):
        assert one == other, where


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """Nothing is timed while the first process imports everything."""
    first = PROCESSES.Process(target=int)
    first.start()
    first.join()


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory):
    """For each kind of loop the end of a run that nobody stops, and how long it took."""

    @cache
    def run(by_epoch: bool) -> tuple[dict, float]:
        work_dir = tmp_path_factory.mktemp("straight") / "run"
        began = time.monotonic()
        process = start(work_dir, by_epoch=by_epoch, workers=0)
        process.join(120)
        assert process.exitcode == 0, work_dir.with_suffix(".log").read_text()[-2000:]
        return finished(work_dir, by_epoch), time.monotonic() - began

    return run


def assert_finished_alike(work_dir: Path, by_epoch: bool, expected: dict) -> None:
    found = finished(work_dir, by_epoch)
    parts = {"state_dict", "ema_state_dict", "optimizer", "param_schedulers"} & set(expected)
    assert len(parts) >= 3
    for part in parts:
        assert_same(found[part], expected[part], part)
    hubs = [checkpoint["message_hub"]["log_scalars"] for checkpoint in (found, expected)]
    for name in ("train/loss", "train/lr"):
        values = [list(hub[name].data[0]) for hub in hubs]
        assert values[0] == values[1], name
    best = [c["message_hub"]["runtime_info"]["best_score"] for c in (found, expected)]
    assert best[0] == best[1]


@pytest.mark.parametrize(("by_epoch", "workers"), KINDS)
def test_random_kills(tmp_path: Path, straight, by_epoch: bool, workers: int) -> None:
    """Whenever SIGKILL comes, in an iteration, a validation, a save, or while starting."""
    expected, duration = straight(by_epoch)
    chance = random.Random(f"{by_epoch} {workers}")
    kills = runs = 0
    while kills < KILLS:
        work_dir = tmp_path / f"run_{runs}"
        runs += 1
        while True:
            process = start(work_dir, by_epoch=by_epoch, workers=workers)
            # some soon after the start, most anywhere in the run
            process.join(chance.uniform(0.1, 1.1) * duration if kills < KILLS else 120)
            if process.exitcode is not None:
                log = work_dir.with_suffix(".log").read_text()[-2000:]
                assert process.exitcode == 0, log
                break
            process.kill()  # also where it has just ended
            process.join()
            kills += 1
        assert_finished_alike(work_dir, by_epoch, expected)


@pytest.mark.parametrize("by_epoch", [True, False])
def test_kills_in_the_middle_of_saves(tmp_path: Path, straight, by_epoch: bool) -> None:
    """Each save is torn once: half of it is written, and the process gone."""
    work_dir = tmp_path / "run"
    torn = 0
    for number in (1, 2, 2, 1, 3):
        process = start(work_dir, by_epoch=by_epoch, workers=0, tear=number)
        process.join(120)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        torn += 1
    assert torn >= 3
    process = start(work_dir, by_epoch=by_epoch, workers=0)
    process.join(120)
    assert process.exitcode == 0
    assert_finished_alike(work_dir, by_epoch, straight(by_epoch)[0])
    assert not list(work_dir.glob(".*.part"))


def run_two(work_dir: Path, seconds: float) -> bool:
    """Train in two processes, but not for longer; say whether they came to the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [start(work_dir, by_epoch=True, workers=0, rank=(rank, 2, port)) for rank in range(2)]
    both[0].join(seconds)
    done = both[0].exitcode is not None
    for process in both:
        if not done:
            process.kill()
        process.join(60)
    if done:
        log = work_dir.with_suffix(".log").read_text()[-2000:]
        assert [process.exitcode for process in both] == [0, 0], log
    return done


def test_kills_of_two_processes(tmp_path: Path) -> None:
    began = time.monotonic()
    assert run_two(tmp_path / "straight", 120)
    duration = time.monotonic() - began
    expected = finished(tmp_path / "straight", by_epoch=True)
    chance = random.Random(0)
    kills = runs = 0
    while kills < KILLS:
        work_dir = tmp_path / f"run_{runs}"
        runs += 1
        while not run_two(work_dir, chance.uniform(0.2, 1.1) * duration if kills < KILLS else 120):
            kills += 1
        assert_finished_alike(work_dir, True, expected)
