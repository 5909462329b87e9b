"""Folders as strangers have them train from the config that is written for them, unedited."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mtlplugins
from mtlplugins.analysis.folder_proposal import inspect_folder
from tests._slow import slow_except

from .folders import FOLDERS

#: One epoch in this process, of images small enough for a test.
QUICK = {
    "train_cfg.max_epochs": 1,
    "train_dataloader.num_workers": 0,
    "val_dataloader.num_workers": 0,
    "test_dataloader.num_workers": 0,
}
SCORES = dict(camvid="semantic/mIoU", kitti="depth/d1", coco="semantic/mIoU", voc="semantic/mIoU")


@pytest.mark.parametrize("name", slow_except(FOLDERS, "coco"))
def test_a_folder_trains_from_its_config(name: str, tmp_path: Path) -> None:
    folder = FOLDERS[name](tmp_path / "data")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    inspect_folder(folder, tmp_path / "mine.py")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    mtlplugins.train(tmp_path / "mine.py", work_dir=tmp_path / "run", cfg_options=QUICK)
    scores = next((tmp_path / "run").glob("*/vis_data/scalars.json")).read_text()
    assert SCORES[name] in scores


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_trains_by_two_commands(name: str, tmp_path: Path) -> None:
    FOLDERS[name](tmp_path / "data")
    run = [sys.executable, "-m", "mtlplugins"]
    environment = os.environ | {"PYTHONPATH": str(Path(mtlplugins.__file__).parents[1])}

    def call(*words: str) -> str:
        done = subprocess.run(
            [*run, *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    said = call("inspect", "data", "--out", "mine.py")
    assert "next: mtlplugins train mine.py" in said
    call("train", "mine.py", "--cfg-options", "train_cfg.max_epochs=1")
    assert SCORES[name] in next(tmp_path.glob("work_dirs/mine/*/vis_data/scalars.json")).read_text()
