"""``train.py --resume`` continues with the original settings, or refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.engine.resume.test_find_checkpoint import LOCK
from tests.faults._in_process import run

pytestmark = pytest.mark.faults

LENGTH = "train_cfg.max_epochs=2"


def load(path: Path) -> dict:
    return torch.load(path, weights_only=False)


def cut(work_dir: Path) -> None:
    """Lose the second of two epochs."""
    (work_dir / "epoch_2.pth").unlink()
    (work_dir / "last_checkpoint").write_text("epoch_1.pth")


def test_a_run_without_a_seed_resumes_with_the_one_that_it_drew(folder: Path, monkeypatch) -> None:
    command = f"train.py rooms.py --work-dir new --cfg-options {LENGTH} randomness.seed=None"
    assert run(command, monkeypatch) is None
    straight = load(Path("new/epoch_2.pth"))
    cut(Path("new"))
    assert run(f"{command} --resume", monkeypatch) is None
    again = load(Path("new/epoch_2.pth"))
    assert again["meta"]["seed"] == straight["meta"]["seed"]
    for name, value in straight["state_dict"].items():
        assert torch.equal(value, again["state_dict"][name]), name


def test_another_seed_is_refused(folder: Path, monkeypatch) -> None:
    message = run(
        "train.py rooms.py --work-dir work --resume --cfg-options randomness.seed=5", monkeypatch
    )
    assert "randomness.seed=5, but the run in work has seed 0" in message
    assert "--cfg-options randomness.seed=0" in message


def test_a_longer_run_is_another_run(folder: Path, monkeypatch) -> None:
    message = run(f"train.py rooms.py --work-dir work --resume --cfg-options {LENGTH}", monkeypatch)
    assert "the run to resume had other settings: train_cfg.max_epochs is 2, was 1" in message
    assert "param_scheduler.0.total_steps is 4, was 2" in message
    assert "load_from=CHECKPOINT and another --work-dir" in message
    # and this is how to
    command = "train.py rooms.py --work-dir new --cfg-options load_from=work/epoch_1.pth"
    assert run(f"{command} {LENGTH}", monkeypatch) is None
    assert load(Path("new/epoch_2.pth"))["meta"]["epoch"] == 2


@pytest.mark.parametrize("resume", ["--resume", ""])
def test_a_second_run_in_a_folder_writes_nothing(folder: Path, monkeypatch, resume: str) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", LOCK, "work"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout.readline() == "locked\n"
    before = {path: path.stat().st_mtime_ns for path in Path("work").rglob("*")}
    try:
        message = run(f"train.py rooms.py --work-dir work {resume}", monkeypatch)
    finally:
        other.kill()
        other.wait()
    assert "another process is training in work; end it, or give another --work-dir" in message
    assert before == {path: path.stat().st_mtime_ns for path in Path("work").rglob("*")}


def test_checkpoints_elsewhere_are_not_overwritten_and_found(folder: Path, monkeypatch) -> None:
    command = (
        f"train.py rooms.py --work-dir new --cfg-options {LENGTH} "
        "default_hooks.checkpoint.out_dir=saved"
    )
    assert run(command, monkeypatch) is None
    assert "saved/new holds checkpoints of a run (epoch_2.pth" in run(command, monkeypatch)
    straight = load(Path("saved/new/epoch_2.pth"))
    Path("saved/new/epoch_2.pth").write_bytes(b"")
    assert run(f"{command} --resume", monkeypatch) is None
    again = load(Path("saved/new/epoch_2.pth"))
    for name, value in straight["state_dict"].items():
        assert torch.equal(value, again["state_dict"][name]), name
