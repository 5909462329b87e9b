"""Swin-B's config, narrowed, trains sharded over two ranks as with DDP."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner
from mmseg.registry import RUNNERS
from torch import Tensor
from torch.distributed.tensor import DTensor

import mtlplugins  # noqa: F401
from mtlplugins.apis import load_config
from tests._data import make_nyuv2
from tests._processes import start_ranks
from tests.compat.small_runner import load
from tests.configs._reduced import reduce_config

pytestmark = pytest.mark.faults

CONFIG = Path(__file__).parents[2] / "configs/nyuv2/swin_base_cond_sharded_nyuv2.py"
#: Two epochs of two steps, each followed by a validation of three images; the rest is the config's.
OPTIONS = {
    "train_dataloader.batch_size": 2,
    "train_cfg.max_epochs": 2,
    "train_cfg.val_interval": 1,
    "param_scheduler.0.pct_start": 0.5,  # no step is left of a tenth of four
    "default_hooks.checkpoint.interval": 1,
    "default_hooks.logger.interval": 1,
    **{f"{part}_dataloader.num_workers": 0 for part in ("train", "val", "test")},
    **{f"{part}_dataloader.persistent_workers": False for part in ("train", "val", "test")},
}


def train(folder: Path, name: str, **settings: str) -> Runner:
    """Train in ``folder/<name>``, with what the config says but for some settings."""
    cfg = load_config(str(CONFIG), OPTIONS | {"data_root": str(folder / "nyuv2")})
    reduce_config(cfg)
    settings |= dict(work_dir=str(folder / name), experiment_name=name)
    cfg.merge_from_dict(settings | dict(launcher="pytorch", log_level="WARNING"))
    # a process of its own would not find the last run's visualizer
    runner = RUNNERS.build(cfg)
    runner.train()
    return runner


def work(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    train(folder, "copies", runner_type="MultiTaskRunner")
    parameters = list(train(folder, "sharded").model.parameters())
    own = sum(p.to_local().numel() for p in parameters)
    divided = all(isinstance(p, DTensor) for p in parameters)
    held = dict(own=own, whole=sum(p.numel() for p in parameters), divided=divided)
    torch.save(held, folder / f"{rank}.pt")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two processes have trained."""
    folder = tmp_path_factory.mktemp("ranks")
    make_nyuv2(folder / "nyuv2", frames=10, test=(2, 4, 6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        processes = start_ranks(__file__, 2, folder)
    assert [process.wait(timeout=600) for process in processes] == [0, 0]
    return folder


def logged(checkpoint: dict, name: str) -> list[float]:
    return checkpoint["message_hub"]["log_scalars"][name].data[0].tolist()


def test_losses_scores_and_weights_are_those_of_whole_copies(folder: Path) -> None:
    sharded, copies = (load(folder / name / "epoch_2.pth") for name in ("sharded", "copies"))
    names = ("train/loss", "train/semantic_loss", "train/depth_loss")
    for name in names:
        assert len(logged(copies, name)) == 4
        assert logged(sharded, name) == pytest.approx(logged(copies, name), rel=1e-5)
    start, end = (load(folder / "sharded" / f"epoch_{n}.pth")["state_dict"] for n in (1, 2))
    assert sum(not torch.equal(start[name], value) for name, value in end.items()) > 100
    for name, value in copies["state_dict"].items():
        assert type(end[name]) is Tensor
        torch.testing.assert_close(
            end[name], value, rtol=1e-5, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}"
        )
    for name in ("val/semantic/mIoU", "val/depth/rmse"):
        assert logged(sharded, name) == pytest.approx(logged(copies, name), rel=1e-4, abs=1e-3)


def test_each_process_holds_half(folder: Path) -> None:
    held = [torch.load(folder / f"{rank}.pt") for rank in range(2)]
    assert all(h["divided"] for h in held)
    assert sum(h["own"] for h in held) == held[0]["whole"] > 100_000
    for h in held:
        assert h["own"] == pytest.approx(h["whole"] / 2, rel=0.1)


if __name__ == "__main__":
    work(int(os.environ["RANK"]), Path(sys.argv[1]))
