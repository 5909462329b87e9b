"""Trainings from shards: stopped and resumed, not stopped, and from files are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from mtlplugins.datasets import MultiTaskDataset, NYUv2Dataset
from mtlplugins.datasets.shards import write_shards
from mtlplugins.engine import MultiTaskRunner
from tests._data import make_nyuv2
from tests._slow import slow_except
from tests.engine.resume._stopping import At, make_run, terminate, weights

PIPELINE = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    dict(type="MultiTaskRandomResizedCrop", scale=16),
    dict(type="MultiTaskColorJitter", brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1),
    dict(type="PackMultiTask"),
]


class Colours(Dataset):
    """Mean colour and depth of each draw's crop."""

    def __init__(self, images: MultiTaskDataset) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, draw: int) -> dict[str, torch.Tensor]:
        item = self.images[draw]
        depth = item["data_samples"].get("gt_depth")
        colour = item["inputs"].float().mean((1, 2)) / 255
        return dict(inputs=colour + (0 if depth is None else depth.data.mean()))


def run(work_dir: Path, images: MultiTaskDataset, workers: int, *hooks: Any) -> MultiTaskRunner:
    runner = make_run(work_dir, *hooks, workers=workers)
    runner._train_dataloader["dataset"] = Colours(images)
    return runner


@pytest.mark.parametrize("workers", slow_except([0, 2], 0))
def test_resumed_from_shards_bit_by_bit(tmp_path: Path, workers: int) -> None:
    root = make_nyuv2(tmp_path / "nyuv2", frames=7, test=[])
    (root / "depth" / "0002.png").unlink()  # partly labelled
    files = NYUv2Dataset(str(root), ann_file="splits/train.txt", pipeline=PIPELINE)
    targets = write_shards(files, tmp_path / "shards", shard_bytes=4000)
    config = dict(
        type="ShardDataset",
        data_root=str(tmp_path / "shards"),
        targets=targets,
        pipeline=PIPELINE,
    )
    assert len(list((tmp_path / "shards").glob("*.tar"))) > 2
    shards = DATASETS.build(config)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    straight = run(whole, shards, workers)
    straight.train()
    with pytest.raises(SystemExit):
        run(stopped, shards, workers, At("train", 6, terminate)).train()
    resumed = run(stopped, DATASETS.build(config), workers)
    resumed.train()
    plain = run(tmp_path / "plain", files, workers)
    plain.train()
    for one, other, third in zip(*map(weights, (straight, resumed, plain)), strict=True):
        assert torch.equal(one, other)
        assert torch.equal(one, third)
