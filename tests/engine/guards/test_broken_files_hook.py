"""Training on data with broken files."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

import mtlplugins  # noqa: F401
from tests._data import make_nyuv2

EPOCHS = 2


class Means(BaseModel):
    """Predicts the mean depth from the mean colour."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 1)
        nn.init.constant_(self.linear.weight, 0.1)
        nn.init.zeros_(self.linear.bias)

    def forward(self, inputs: list, data_samples: list, mode: str) -> dict[str, torch.Tensor]:
        colours = torch.stack([image.float().mean((1, 2)) for image in inputs]) / 255
        depth = torch.stack([sample.target("depth").data.mean() for sample in data_samples])
        return dict(loss=(self.linear(colours)[:, 0] - depth).square().mean())


class Keep(Hook):
    """Keep the names of what is trained on, and of what was left out."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.left_out: list[str] = []

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        for sample in data_batch["data_samples"]:
            self.names.append(Path(sample.img_path).stem)
            for message in sample.get("left_out") or ():
                self.left_out.append(message.split()[1])


def draw(
    root: Path,
    work_dir: Path,
    *,
    broken_files: str = "skip",
    workers: int = 0,
    launcher: str = "none",
    one_task: bool = False,
    hooks: Sequence[Hook] = (),
    loop: dict | None = None,
) -> dict[str, Any]:
    """Train two epochs of shuffled draws."""
    dataset: dict[str, Any] = dict(
        type="NYUv2Dataset",
        data_root=str(root),
        ann_file="splits/train.txt",
        tasks=("depth",),
        broken_files=broken_files,
        pipeline=[
            dict(type="LoadMultiTaskImage"),
            dict(type="LoadTargets"),
            dict(type="MultiTaskRandomResizedCrop", scale=8, crop_ratio_range=(0.1, 1.0)),
            dict(type="PackMultiTask"),
        ],
    )
    if one_task:
        dataset = dict(type="OneTaskDataset", dataset=dataset)
    keep = Keep()
    runner = Runner(
        Means(),
        str(work_dir),
        train_dataloader=dict(
            batch_size=2,
            num_workers=workers,
            persistent_workers=workers > 0,
            dataset=dataset,
            sampler=dict(type="DrawSampler"),
        ),
        train_cfg=loop or dict(by_epoch=True, max_epochs=EPOCHS),
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.01)),
        default_hooks=dict(checkpoint=None),
        custom_hooks=[keep, dict(type="BrokenFilesHook"), *hooks],
        randomness=dict(seed=3),
        default_scope="mmseg",
        log_level="WARNING",
        experiment_name=str(work_dir).replace("/", "_"),
        launcher=launcher,
    )
    try:
        runner.train()
    finally:
        # ends the workers now; those left to the garbage collector take five seconds each
        runner.train_dataloader._iterator = None
    return dict(
        names=keep.names,
        left_out=keep.left_out,
        count=runner.message_hub.get_info("draws_replaced", 0),
        weights=getattr(runner.model, "module", runner.model).linear.weight.clone().detach(),
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six images, one of them empty and the depth of another incomplete."""
    root = make_nyuv2(tmp_path / "nyuv2", frames=6, test=[])
    (root / "image" / "0003.jpg").write_bytes(b"")
    depth = root / "depth" / "0005.png"
    depth.write_bytes(depth.read_bytes()[:60])
    return root


@pytest.mark.parametrize("one_task", [False, True])
def test_others_are_drawn_and_counted(root: Path, tmp_path: Path, caplog, one_task: bool) -> None:
    with caplog.at_level(logging.WARNING):
        found = draw(root, tmp_path / "a", one_task=one_task)
    assert len(found["names"]) == 6 * EPOCHS
    assert set(found["names"]) == {"0001", "0002", "0004", "0006"}
    # each of the two came up in each epoch; a replacement may have been the other
    assert found["count"] == 2 * EPOCHS
    assert {Path(p).name for p in found["left_out"]} >= {"0003.jpg"}
    text = caplog.text + "".join(path.read_text() for path in (tmp_path / "a").rglob("*.log"))
    assert "0003.jpg cannot be read (it is empty)" in text
    assert "0005.png: cannot be read" in text
    assert "broken files: 2 draws of this epoch were replaced, 4 since the start; 2 files" in text


class Counts(Hook):
    """Keep the count that a checkpoint behind each iteration would hold."""

    priority = "VERY_LOW"  # as hooks that save

    def __init__(self) -> None:
        self.counts: list[int] = []

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        self.counts.append(runner.message_hub.get_info("draws_replaced", 0))


def test_checkpoints_within_an_epoch_hold_the_count(root: Path, tmp_path: Path) -> None:
    counts = Counts()
    found = draw(root, tmp_path / "a", hooks=[counts])
    # of two images in a batch; a replacement says so itself
    assert len(counts.counts) == 3 * EPOCHS
    assert counts.counts[-1] == found["count"] == 2 * EPOCHS
    assert counts.counts == sorted(counts.counts)
    assert len(set(counts.counts)) > EPOCHS  # and not at the end of an epoch alone
    assert counts.counts[2] == 2


def test_a_loop_over_iterations_counts_too(root: Path, tmp_path: Path) -> None:
    counts = Counts()
    found = draw(root, tmp_path / "a", hooks=[counts], loop=dict(by_epoch=False, max_iters=3))
    assert counts.counts[-1] == found["count"] == 2


def test_replacements_do_not_depend_on_workers(root: Path, tmp_path: Path) -> None:
    found = [draw(root, tmp_path / str(count), workers=count) for count in (0, 2)]
    assert found[0]["names"] == found[1]["names"]
    assert found[0]["count"] == found[1]["count"] == 4
    assert torch.equal(found[0]["weights"], found[1]["weights"])


@pytest.mark.parametrize("workers", [0, 1])
def test_by_default_training_stops_and_names_the_file(
    root: Path, tmp_path: Path, workers: int
) -> None:
    with pytest.raises(ValueError, match=r"image .*0003\.jpg cannot be read|0005\.png: cannot"):
        draw(root, tmp_path, broken_files="stop", workers=workers)
