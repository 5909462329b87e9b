"""Sharded training equals DDP, with a part of the memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.compat.small_runner import assert_same, load
from tests.faults._sharded import CASES, take_steps
from tests.tools.command import run_tool

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where two processes have trained."""
    folder = tmp_path_factory.mktemp("ranks")
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    script = Path(__file__).with_name("_sharded.py")
    done = subprocess.run(
        [sys.executable, *launch, str(script), str(folder)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        },
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return folder


@pytest.fixture(scope="module")
def ranks(folder: Path) -> list[dict[str, Any]]:
    """What each of them has seen."""
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


def assert_close(one: dict[str, Tensor], other: dict[str, Tensor], *, atol: float = 1e-5) -> None:
    assert list(one) == list(other)
    assert len(one) > 50
    for name, value in other.items():
        assert type(one[name]) is Tensor
        torch.testing.assert_close(
            one[name], value, rtol=1e-5, atol=atol, msg=lambda m, n=name: f"{n}: {m}"
        )


def logged(checkpoint: dict, name: str) -> list[float]:
    return checkpoint["message_hub"]["log_scalars"][f"train/{name}"].data[0].tolist()


@pytest.mark.parametrize("epoch", ["epoch_1.pth", "epoch_2.pth"])
def test_losses_and_weights_are_those_of_whole_copies(folder: Path, epoch: str) -> None:
    sharded, copies = (load(folder / name / epoch) for name in ("sharded", "copies"))
    assert_close(sharded["state_dict"], copies["state_dict"])
    steps = 3 * int(epoch[6])
    for name in ("loss", "semantic_loss", "depth_loss", "scene_loss", "grad_norm"):
        assert len(logged(copies, name)) == steps
        assert logged(sharded, name) == pytest.approx(logged(copies, name), rel=1e-5)
    assert min(logged(copies, "grad_norm")) > 1  # it was clipped
    for part in ("param_groups", "state"):
        torch.testing.assert_close(
            sharded["optimizer"][part], copies["optimizer"][part], rtol=1e-5, atol=1e-5
        )
    assert_same(sharded["param_schedulers"], copies["param_schedulers"])
    assert sharded["meta"].keys() == copies["meta"].keys()


def test_bfloat16_accumulation_and_clipping_by_value(folder: Path) -> None:
    names = ("sharded_bf16", "copies_bf16", "copies")
    sharded, copies, other = (load(folder / name / "epoch_2.pth")["state_dict"] for name in names)
    assert_close(sharded, copies)
    assert any(not torch.allclose(copies[name], value) for name, value in other.items())


def test_resumes_as_if_never_stopped(folder: Path) -> None:
    resumed = load(folder / "sharded_then_sharded" / "epoch_2.pth")
    straight = load(folder / "sharded" / "epoch_2.pth")
    for part in ("state_dict", "optimizer", "param_schedulers"):
        assert_same(resumed[part], straight[part])
    assert logged(resumed, "loss") == logged(straight, "loss")


@pytest.mark.parametrize("resumed", ["sharded_then_copies", "copies_then_sharded"])
def test_one_resumes_what_the_other_saved(folder: Path, resumed: str) -> None:
    found, straight = (load(folder / n / "epoch_2.pth") for n in (resumed, "sharded"))
    assert_close(found["state_dict"], straight["state_dict"])
    assert found["optimizer"]["state"].keys() == straight["optimizer"]["state"].keys()


def test_the_best_checkpoint_is_whole(folder: Path) -> None:
    (best,) = (folder / "sharded").glob("best_depth_d1_epoch_*.pth")
    expected = load(folder / "sharded" / f"epoch_{best.stem[-1]}.pth")["state_dict"]
    assert_same(load(best)["state_dict"], expected)


def test_one_process_tests_the_checkpoint_and_scores_what_two_did(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scalars,) = (folder / "sharded").glob("*/vis_data/scalars.json")
    expected = json.loads(scalars.read_text().splitlines()[-1])
    config = folder / "sharded" / "swin_cond_rooms_sharded.py"
    checkpoint = folder / "sharded" / "epoch_2.pth"
    run_tool(monkeypatch, "test.py", config, checkpoint, "--work-dir", tmp_path)
    (found,) = tmp_path.glob("*/*.json")
    found = json.loads(found.read_text())
    scores = {name: value for name, value in found.items() if "/" in name}
    assert len(scores) == 3 + 10 + 1
    assert scores == pytest.approx({name: expected[name] for name in scores}, rel=1e-5)


def test_each_process_holds_half(ranks: list[dict]) -> None:
    """AdamW has two numbers for each weight, and the number of its steps for each tensor."""
    for found in ranks:
        copies = found["held"]["copies"]
        assert copies["weights"] == copies["whole"] > 10_000
        assert copies["optimizer"] == 2 * copies["whole"] + copies["tensors"]
        # a tensor of an odd length is not cut in the middle
        assert found["held"]["sharded"]["weights"] == pytest.approx(copies["whole"] / 2, rel=0.1)
    sharded = [found["held"]["sharded"] for found in ranks]
    assert sum(s["weights"] for s in sharded) == sharded[0]["whole"]
    assert sum(s["optimizer"] - s["tensors"] for s in sharded) == 2 * sharded[0]["whole"]


@pytest.mark.parametrize("case", CASES)
def test_whatever_a_batch_lacks_the_steps_are_those_of_one_process(
    ranks: list[dict], case: str
) -> None:
    assert_close(ranks[0]["states"][case], take_steps(case, None))


def test_a_nan_in_one_process_keeps_the_step_from_both(ranks: list[dict]) -> None:
    assert [found["refused"]["taken"] for found in ranks] == [False, False]
    assert [found["refused"]["state"] for found in ranks] == [0, 0]
    assert ranks[0]["refused"]["same"]
