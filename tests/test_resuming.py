"""A stopped and resumed run ends with the weights of an uninterrupted one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mtlplugins.structures import MultiTaskDataSample
from tests._data import make_nyuv2

AUGMENTATION = [
    dict(type="MultiTaskRandomResizedCrop", scale=12, crop_ratio_range=(0.2, 1.0)),
    dict(type="MultiTaskRandomFlip"),
    dict(type="MultiTaskColorJitter", brightness=0.5),
    dict(type="PackMultiTask"),
]
ROOMS = dict(type="RoomsDataset", length=7, size=(16, 24), tasks=["depth"], pipeline=AUGMENTATION)


class DepthByDropout(BaseModel):
    """Predicts depth by one convolution behind dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 1, 3, padding=1)
        self.dropout = nn.Dropout(0.3)
        nn.init.constant_(self.convolution.weight, 0.1)
        nn.init.zeros_(self.convolution.bias)

    def forward(
        self, inputs: list[torch.Tensor], data_samples: list[MultiTaskDataSample], mode: str
    ) -> dict[str, torch.Tensor]:
        images = torch.stack(inputs) / 255
        depth = torch.stack([sample.target("depth").data for sample in data_samples])
        error = self.convolution(self.dropout(images)) - depth
        return dict(loss=error.square().mean())


def train(work_dir: Path, epochs: int, data: dict, *, workers: int, plain: bool = False) -> list:
    """Train up to an epoch, going on from what is in ``work_dir``; give the final weights."""
    sampler = dict(type="DefaultSampler" if plain else "DrawSampler", shuffle=True)
    loader = dict(
        batch_size=2,
        num_workers=workers,
        persistent_workers=workers > 0,
        dataset=data,
        sampler=sampler,
    )
    settings: dict[str, Any] = dict(
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type="AdamW", lr=0.05)),
        default_hooks=dict(checkpoint=dict(type="CheckpointHook", interval=2)),
        custom_hooks=[] if plain else [dict(type="StepSeedHook")],
        randomness=dict(seed=3),
        resume=(work_dir / "last_checkpoint").is_file(),
    )
    runner = Runner(
        DepthByDropout(),
        str(work_dir),
        train_dataloader=loader,
        default_scope="mmseg",
        log_level="WARNING",
        experiment_name=f"{work_dir.name}_{epochs}_{workers}",
        **settings,
    )
    model = runner.train()
    # ends the workers now; those left to the garbage collector take five seconds each
    runner.train_dataloader._iterator = None
    assert runner.iter == epochs * -(-len(runner.train_dataloader.dataset) // 2)
    return [weights.clone() for weights in model.state_dict().values()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("source", ["rooms", "files"])
def test_weights_do_not_depend_on_stops_and_workers(tmp_path: Path, source: str) -> None:
    data = ROOMS
    if source == "files":
        loading = [dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")]
        data = dict(
            type="NYUv2Dataset",
            data_root=str(make_nyuv2(tmp_path / "nyuv2", frames=7, test=[2])),
            ann_file="splits/train.txt",
            tasks=["depth"],
            pipeline=loading + AUGMENTATION,
        )
    straight = train(tmp_path / "straight", 4, data, workers=0)
    half = train(tmp_path / "stopped", 2, data, workers=2)
    torch.rand(100)
    resumed = train(tmp_path / "stopped", 4, data, workers=2)
    assert same(resumed, straight)
    assert not same(half, straight)


def test_without_draws_and_step_seeds_a_resumed_run_differs(tmp_path: Path) -> None:
    """What the sampler and the hook are for."""
    straight = train(tmp_path / "straight", 4, ROOMS, workers=0, plain=True)
    train(tmp_path / "stopped", 2, ROOMS, workers=0, plain=True)
    assert not same(train(tmp_path / "stopped", 4, ROOMS, workers=0, plain=True), straight)
