"""Damaged checkpoints, and checkpoints that could not be written."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from mmengine import runner as mmengine_runners
from mmengine.runner import CheckpointLoader

from mtlplugins.engine.resume import find_checkpoint as resuming
from mtlplugins.engine.resume.find_checkpoint import find_checkpoint
from mtlplugins.engine.resume.work_dir import refuse_to_overwrite
from mtlplugins.io import atomic_file
from tests.engine.resume._stopping import make_run, weights

LOCK = """
import pathlib, sys
from mtlplugins.engine.resume.work_dir import locked
with locked(pathlib.Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    make_run(folder).train()
    return folder


@pytest.fixture
def work_dir(trained: Path, tmp_path: Path) -> Path:
    """A copy, whose ``last_checkpoint`` names a file in the folder it was copied from."""
    return Path(shutil.copytree(trained, tmp_path / "copy"))


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "flipped":
        weight = torch.load(path, weights_only=False)["state_dict"]["linear.weight"]
        data[data.index(weight.numpy().tobytes())] ^= 1
    directory = data.index(b"PK\x01\x02")
    if how == "encrypted":
        data[directory + 8] ^= 1
    if how == "compressed":
        data[directory + 10] ^= 8
    if how == "a folder":  # of a tensor, which then has other values
        data[data.rindex(b"PK\x01\x02", 0, data.rindex(b"/data/0")) + 38] ^= 16
    path.write_bytes({"empty": b"", "short": data[: len(data) // 2]}.get(how, data))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("flipped", "the checksum of"),
        ("short", "cut short"),
        ("empty", "it is empty"),
        ("encrypted", "the entry of .*data.pkl is overwritten"),
        ("compressed", "the entry of .*data.pkl is overwritten"),
        ("a folder", "the entry of .*data/0 is overwritten"),
    ],
)
def test_a_damaged_newest_one_is_reported_and_the_one_before_used(
    work_dir: Path, capsys: pytest.CaptureFixture, how: str, words: str
) -> None:
    assert find_checkpoint(work_dir).path == work_dir / "epoch_3.pth"
    damage(work_dir / "epoch_3.pth", how)
    assert find_checkpoint(work_dir).path == work_dir / "epoch_2.pth"
    with pytest.raises(ValueError, match=f"epoch_3.pth is a damaged checkpoint: .*{words}"):
        CheckpointLoader.load_checkpoint(str(work_dir / "epoch_3.pth"))
    (work_dir / "epoch_1.pth").unlink()
    damage(work_dir / "epoch_2.pth", how)
    with pytest.raises(ValueError, match=f"no checkpoint .* is intact: .*{words}.*epoch_2"):
        find_checkpoint(work_dir)


def test_without_the_check_a_flipped_bit_goes_unseen(work_dir: Path) -> None:
    path = work_dir / "epoch_3.pth"
    before = torch.load(path, weights_only=False)["state_dict"]
    damage(path, "flipped")
    after = torch.load(path, weights_only=False)["state_dict"]
    assert not all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("target", ["nowhere", "epoch_9.pth"])
def test_links_that_lead_nowhere_are_in_nobodys_way(
    work_dir: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(resuming, "_warn", warnings.append)
    (work_dir / "epoch_9.pth").symlink_to(target)
    assert find_checkpoint(work_dir).path == work_dir / "epoch_3.pth"
    (work_dir / "last_checkpoint").write_text("epoch_9.pth")
    assert find_checkpoint(work_dir).path == work_dir / "epoch_3.pth"
    assert any("epoch_9.pth cannot be resumed from: it is not a file" in said for said in warnings)


@pytest.mark.parametrize("last", [b"x" * 9999, b"\0" * 50, bytes(range(256)), b".", b"a/" * 3000])
def test_a_note_of_garbage_is_in_nobodys_way(work_dir: Path, last: bytes) -> None:
    (work_dir / "last_checkpoint").write_bytes(last)
    assert find_checkpoint(work_dir).path == work_dir / "epoch_3.pth"


@pytest.mark.parametrize("last", ["", "/nowhere/epoch_9.pth", None, "epoch_2.pth"])
def test_what_last_checkpoint_may_say(work_dir: Path, last: str | None) -> None:
    note = work_dir / "last_checkpoint"
    note.unlink() if last is None else note.write_text(last)
    newest = "epoch_2.pth" if last == "epoch_2.pth" else "epoch_3.pth"
    assert find_checkpoint(work_dir).path == work_dir / newest


def test_weights_alone_are_not_resumed_from(tmp_path: Path) -> None:
    assert find_checkpoint(tmp_path) is None
    torch.save({}, tmp_path / "best_mean_epoch_1.pth")
    assert find_checkpoint(tmp_path) is None


@contextmanager
def no_room_behind(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("missing", [1, 4000])
def test_a_full_disk_stops_the_run_and_leaves_what_was_there(work_dir: Path, missing: int) -> None:
    size = (work_dir / "epoch_3.pth").stat().st_size - missing
    for path in (work_dir / "epoch_3.pth", work_dir / "last_checkpoint"):
        path.unlink()
    kept = {path: path.read_bytes() for path in work_dir.glob("*.pth")}
    runner = make_run(work_dir)
    message = r"epoch_3\.pth was not written: File too large"
    with pytest.raises(OSError, match=message) as raised, no_room_behind(size):
        runner.train()
    assert raised.value.errno == errno.EFBIG
    assert kept == {path: path.read_bytes() for path in work_dir.glob("*.pth")}
    assert not list(work_dir.glob(".*.part"))
    again = make_run(work_dir)
    again.train()
    whole = torch.load(work_dir / "epoch_3.pth", weights_only=False)
    for one, other in zip(whole["state_dict"].values(), weights(again), strict=False):
        assert torch.equal(one, other)


def test_a_device_without_room_is_named(tmp_path: Path) -> None:
    path = tmp_path / "epoch_1.pth"
    (tmp_path / f".epoch_1.pth.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"epoch_1.pth was not written: No space left") as raised:
        mmengine_runners.save_checkpoint(dict(a=torch.ones(100_000)), str(path))
    assert raised.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


def test_a_kill_in_the_middle_of_a_save_leaves_the_old_file(tmp_path: Path) -> None:
    """A real kill, of a process that is writing."""
    target = tmp_path / "epoch_1.pth"
    target.write_text("old")
    script = (
        "import runpy, sys, time; from pathlib import Path\n"
        "def write(path):\n"
        "    path.write_text('half'); print('writing', flush=True); time.sleep(60)\n"
        "runpy.run_path(sys.argv[1])['write_atomically'](Path(sys.argv[2]), write)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, atomic_file.__file__, str(target)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "writing\n"
    process.kill()
    process.wait()
    assert target.read_text() == "old"
    (left,) = tmp_path.glob(".*.part")
    assert left.read_text() == "half"
    make_run(tmp_path / "other").train()  # another folder's are not its business
    assert left.exists()


def test_what_a_kill_left_is_tidied_up(work_dir: Path) -> None:
    left = work_dir / ".epoch_3.pth.77.part"
    left.write_text("half")
    make_run(work_dir).train()
    assert not left.exists()


def test_a_new_run_does_not_overwrite_an_old_one(work_dir: Path, tmp_path: Path) -> None:
    words = r"copy holds checkpoints of a run \(epoch_3.pth, .*--resume continues it.* remove"
    with pytest.raises(FileExistsError, match=words):
        refuse_to_overwrite(work_dir)
    for path in work_dir.glob("*.pth"):
        path.unlink()
    refuse_to_overwrite(work_dir)  # last_checkpoint names none that is there
    (work_dir / "best_depth_d1_epoch_1.pth").touch()  # which tools/test.py would take
    with pytest.raises(FileExistsError, match=r"best_depth_d1_epoch_1.pth"):
        refuse_to_overwrite(work_dir)
    refuse_to_overwrite(tmp_path / "new")


@pytest.mark.slow
def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    other = subprocess.Popen(
        [sys.executable, "-c", LOCK, str(tmp_path / "run")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout.readline() == "locked\n"
    try:
        with pytest.raises(RuntimeError, match=r"another process is training in .*run; end it, or"):
            make_run(tmp_path / "run").train()
    finally:
        other.kill()
        other.wait()
    assert not list(tmp_path.glob("run/*.pth"))
    make_run(tmp_path / "run").train()  # whoever is killed leaves nothing locked


def test_workers_end_with_their_parent_and_not_at_a_signal(tmp_path: Path) -> None:
    runner = make_run(tmp_path, workers=2)
    runner.train()
    workers = runner.train_dataloader._iterator._workers
    # SIGHUP, Ctrl-C and SIGTERM, by another process
    stranger = "import os, sys; [os.kill(int(pid), n) for pid in sys.argv[1:] for n in (1, 2, 15)]"
    subprocess.run(
        [sys.executable, "-c", stranger, *(str(worker.pid) for worker in workers)], check=True
    )
    time.sleep(0.3)
    assert all(worker.is_alive() for worker in workers)
    for worker in workers:
        worker.terminate()
        worker.join(10)
    assert [worker.exitcode for worker in workers] == [0, 0]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    runner.train_dataloader._iterator = None
