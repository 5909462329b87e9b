"""The worked example of the page on own data trains, tests and predicts as it stands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from mtlplugins.rooms.renderer import render_room
from tests.docs.pages import blocks_of
from tests.tools.command import ROOT, run_tool

PAGE = ROOT / "docs/own_data.md"


def make_data(folder: Path) -> None:
    """Six photos: labels for four, depth for four, a room type for three."""
    for name in ("photos", "labels", "depth"):
        (folder / name).mkdir(parents=True)
    for i in range(6):
        room = render_room(9, i, size=(96, 128))
        Image.fromarray(room.image).save(folder / f"photos/{i}.jpg")
        if i < 4:
            labels = np.where(room.semantic < 3, room.semantic, 255).astype(np.uint8)
            Image.fromarray(labels).save(folder / f"labels/{i}.png")
        if i > 1:
            Image.fromarray((room.depth * 1000).astype(np.uint16)).save(folder / f"depth/{i}.png")
    labels = {"0": "kitchen", "3": "office", "5": "office"}
    (folder / "rooms.json").write_text(
        json.dumps({"classes": ["kitchen", "office"], "labels": labels})
    )
    (folder / "train.txt").write_text("0\n1\n2\n3\n")
    (folder / "val.txt").write_text("3\n4\n5\n")


def test_own_data_by_config_alone(tmp_path, monkeypatch) -> None:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    (tmp_path / "configs/mine.py").write_text(blocks_of("", PAGE.read_text(), ("python",))[0].text)
    make_data(tmp_path / "data/mine")
    monkeypatch.chdir(tmp_path)
    options = [
        f"{part}_dataloader.{key}"
        for part in ("train", "val", "test")
        for key in ("num_workers=0", "persistent_workers=False")
    ]
    run_tool(monkeypatch, "train.py", "configs/mine.py", "--cfg-options", *options)
    log = next(tmp_path.glob("work_dirs/mine/*/*.log")).read_text()
    assert "4 images; targets: semantic 4, depth 2, scene 2" in log
    scores = next(tmp_path.glob("work_dirs/mine/*/vis_data/scalars.json")).read_text()
    for name in ("semantic/mIoU", "depth/d1", "scene/top1"):
        assert name in scores
