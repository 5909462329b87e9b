"""Three kinds of config pass the same faults: ours, one with a user's hook, one of mmseg's."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch

from tests.faults._matrix import CONFIGS, STEPS, run
from tests.faults.test_kills import assert_same

pytestmark = pytest.mark.faults

#: Ways to end, the iteration after which they do, and the exit status: between checkpoints, at the
#: last step of an epoch, and at the first one after a resume.
FAULTS = [
    ("sigterm", 2, 143),
    ("kill", 4, -signal.SIGKILL),
    ("nan", 6, 1),
    ("kill", 6, -signal.SIGKILL),
    ("sigterm", 9, 143),
    ("kill", 11, -signal.SIGKILL),
]


def last(work_dir: Path) -> dict:
    named = Path((work_dir / "last_checkpoint").read_text())
    return torch.load(work_dir / named.name, weights_only=False)


@pytest.mark.parametrize("kind", CONFIGS)
def test_faults_change_no_bit(tmp_path: Path, kind: str) -> None:
    status, log, straight = run(kind, tmp_path, "straight")
    assert status == 0, log[-2000:]
    for way, iteration, wanted in FAULTS:
        status, log, stopped = run(kind, tmp_path, "stopped", way, iteration)
        assert status == wanted, log[-2000:]
        assert ("nan in iteration 6" in log) == (way == "nan")
    # resumed as another run: refused by name, and nothing is changed
    before = {path: path.read_bytes() for path in stopped.glob("*.p*")}
    other = {"optim_wrapper.optimizer.weight_decay": 0.3}
    status, log, _ = run(kind, tmp_path, "stopped", **other)
    assert status == 1
    assert "optim_wrapper.optimizer.weight_decay is 0.3, was 0." in log
    assert {path: path.read_bytes() for path in stopped.glob("*.p*")} == before

    status, log, _ = run(kind, tmp_path, "stopped")
    assert status == 0, log[-2000:]
    one, two = last(straight), last(stopped)
    assert one["meta"]["iter"] == two["meta"]["iter"] == STEPS
    parts = {"state_dict", "ema_state_dict", "optimizer", "param_schedulers"} & set(one)
    assert len(parts) == (4 if kind == "averaged" else 3)
    for part in parts:
        assert_same(one[part], two[part], part)
    logged = [checkpoint["message_hub"]["log_scalars"] for checkpoint in (one, two)]
    losses = [list(scalars["train/loss"].data[0]) for scalars in logged]
    assert losses[0] == losses[1]
    assert len(losses[0]) == STEPS
