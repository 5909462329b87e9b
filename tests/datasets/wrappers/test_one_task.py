from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mtlplugins.datasets import Draw, NYUv2Dataset, OneTaskDataset
from tests._data import make_nyuv2

PIPELINE = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    dict(type="MultiTaskRandomResizedCrop", scale=16, crop_ratio_range=(0.3, 0.9)),
    dict(type="PackMultiTask"),
]


@pytest.fixture
def frames(tmp_path: Path) -> NYUv2Dataset:
    root = make_nyuv2(tmp_path, frames=4, test=(4,))
    (root / "depth" / "0002.png").unlink()  # partly labelled
    return NYUv2Dataset(str(root), ann_file="splits/train.txt", pipeline=PIPELINE)


def test_every_target_is_an_item_once(frames: NYUv2Dataset):
    view = OneTaskDataset(frames)
    assert len(view) == 5
    assert view.metainfo == frames.metainfo
    samples = [view[i]["data_samples"] for i in range(5)]
    found = [
        (Path(s.img_path).stem, task)
        for s in samples
        for task in ("semantic", "depth")
        if f"gt_{task}" in s
    ]
    assert found == [
        ("0001", "semantic"), ("0001", "depth"), ("0002", "semantic"), ("0003", "semantic"),
        ("0003", "depth"),
    ]  # fmt: skip


def test_a_draw_is_augmented_by_its_number(frames: NYUv2Dataset):
    view = OneTaskDataset(frames)
    semantic, depth = (view[Draw(i, seed=3, number=11)] for i in (0, 1))
    whole = frames[Draw(0, seed=3, number=11)]
    assert torch.equal(semantic["inputs"], whole["inputs"])
    assert torch.equal(depth["inputs"], whole["inputs"])
    assert torch.equal(depth["data_samples"].gt_depth.data, whole["data_samples"].gt_depth.data)
    assert not torch.equal(view[Draw(1, seed=3, number=12)]["inputs"], whole["inputs"])


def test_from_config(tmp_path: Path):
    root = make_nyuv2(tmp_path)
    config = dict(
        type="NYUv2Dataset", data_root=str(root), ann_file="splits/train.txt", pipeline=PIPELINE
    )
    assert len(OneTaskDataset(config)) == 4
    rooms = dict(type="RoomsDataset", length=3, tasks=("depth", "scene", "normals"))
    assert len(OneTaskDataset(rooms)) == 9


def test_only_around_the_data_sets_themselves():
    rooms = dict(type="RoomsDataset", length=3)
    mixed = dict(type="MixedDataset", datasets=[rooms, rooms], ratios=(1, 1))
    with pytest.raises(TypeError, match="MixedDataset is not a MultiTaskDataset"):
        OneTaskDataset(mixed)
