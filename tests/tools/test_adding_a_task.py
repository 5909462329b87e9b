"""A task added to a trained model, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.tools.command import ROOT, run_tool

BASE = ROOT / "configs/rooms/swin_cond_rooms.py"
ADDED = ROOT / "configs/rooms/swin_cond_add_normals_rooms.py"
SMALL = (
    "train_dataloader.dataset.length=8",
    "val_dataloader.dataset.length=4",
    "test_dataloader.dataset.length=4",
    *(f"{part}_dataloader.num_workers=0" for part in ("train", "val", "test")),
    *(f"{part}_dataloader.persistent_workers=False" for part in ("train", "val", "test")),
    "model.backbone.depths=(1,1,2,1)",
    "model.backbone.plan.attention=(0,0,2,1)",
    "param_scheduler=[]",  # one for a number of epochs could not be resumed for more
)


def tensors(file: Path) -> dict[str, torch.Tensor]:
    return torch.load(file, map_location="cpu", weights_only=True)["state_dict"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> tuple[Path, Path, list[str]]:
    """Train three tasks, then add normals for an epoch; give both folders and the options."""
    base, added = tmp_path_factory.mktemp("base"), tmp_path_factory.mktemp("added")
    options = [*SMALL, f"load_from={base / 'epoch_1.pth'}"]
    with pytest.MonkeyPatch.context() as patch:
        one = ["--cfg-options", *SMALL, "train_cfg.max_epochs=1"]
        run_tool(patch, "train.py", BASE, "--work-dir", base, *one)
        one = ["--cfg-options", *options, "train_cfg.max_epochs=1"]
        run_tool(patch, "train.py", ADDED, "--work-dir", added, *one)
    return base, added, options


def test_only_the_new_task_has_changed(runs: tuple) -> None:
    base, added, _ = runs
    before, after = tensors(base / "epoch_1.pth"), tensors(added / "epoch_1.pth")
    assert all(torch.equal(after[name], value) for name, value in before.items())
    new = {name for name in after if name not in before}
    assert all("normals" in name for name in new)
    mean = torch.stack(
        [before[f"task_embedding.vectors.{t}"] for t in ("semantic", "depth", "scene")]
    )
    assert not torch.equal(after["task_embedding.vectors.normals"], mean.mean(dim=0))


def test_a_test_scores_the_checkpoint_that_is_given(runs: tuple, tmp_path, monkeypatch) -> None:
    _, added, options = runs
    validated = json.loads(next(added.glob("*/vis_data/scalars.json")).read_text().splitlines()[-1])
    run_tool(
        monkeypatch, "test.py", ADDED, added / "epoch_1.pth", "--work-dir", tmp_path,
        "--cfg-options", *options,
    )  # fmt: skip
    tested = json.loads(next(tmp_path.glob("*/*.json")).read_text())
    for name in ("normals/mean", "depth/rmse", "semantic/aAcc"):
        assert tested[name] == pytest.approx(validated[name])


def test_it_resumes_in_its_own_work_dir(runs: tuple, monkeypatch) -> None:
    base, added, options = runs
    run_tool(
        monkeypatch, "train.py", ADDED, "--resume", "--work-dir", added,
        "--cfg-options", *options, "train_cfg.max_epochs=2",
    )  # fmt: skip
    after = torch.load(added / "epoch_2.pth", map_location="cpu", weights_only=True)
    assert after["meta"]["epoch"] == 2
    before = tensors(base / "epoch_1.pth")
    assert all(torch.equal(after["state_dict"][name], value) for name, value in before.items())


def test_without_the_trained_model_it_does_not_start(runs: tuple, tmp_path, monkeypatch) -> None:
    *_, options = runs
    with pytest.raises(ValueError, match=r"nothing was loaded.*set load_from"):
        run_tool(
            monkeypatch, "train.py", ADDED, "--work-dir", tmp_path,
            "--cfg-options", *options[:-1], "load_from=None",
        )  # fmt: skip
