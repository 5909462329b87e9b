"""Two processes train on mixed, partly labelled data as one with twice the batch size does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

import mtlplugins  # noqa: F401
from tests._data import make_nyuv2
from tests._processes import start_ranks

AUGMENTATION = [
    dict(type="MultiTaskRandomResizedCrop", scale=32, crop_ratio_range=(0.5, 1.0)),
    dict(type="MultiTaskRandomFlip"),
    dict(type="PackMultiTask"),
]
# no batch norm, dropout or drop path: each of these depends on who has which image
DECODER = dict(
    type="ConvUNetDecoder",
    in_channels=(16, 32),
    channels=(16,),
    norm_cfg=dict(type="GN", num_groups=4),
)
MODEL = dict(
    type="MultiTaskModel",
    data_preprocessor=dict(type="MultiTaskDataPreprocessor", mean=[120.0] * 3, std=[60.0] * 3),
    backbone=dict(
        type="CondSwinTransformer",
        embed_dims=16,
        depths=(1, 2),
        num_heads=(2, 4),
        strides=(4, 2),
        out_indices=(0, 1),
        window_size=4,
        drop_path_rate=0.0,
        plan=dict(attention=(0, 2), norm=(0, 1), embed_dims=8),
    ),
    decoders=dict(semantic=DECODER, depth=DECODER),
    heads=dict(
        semantic=dict(type="SegmentationHead", in_channels=16, num_classes=14),
        depth=dict(type="DepthHead", in_channels=16, min_depth=0.5, max_depth=10.0),
        scene=dict(type="ClassificationHead", in_channels=32, num_classes=9),
    ),
)


class Keep(Hook):
    """Keep the losses of each step."""

    def __init__(self) -> None:
        self.losses: list[dict[str, float]] = []
        self.scenes: list[bool] = []

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        self.losses.append({k: v.item() for k, v in outputs.items() if "loss" in k})
        self.scenes.append(any("gt_scene" in s for s in data_batch["data_samples"]))


def train(folder: Path, name: str, *, batch_size: int, launcher: str) -> dict:
    """Train six steps; give the losses of this process and the final weights."""
    nyuv2 = dict(
        type="NYUv2Dataset",
        data_root=str(folder / "nyuv2"),
        ann_file="splits/train.txt",
        pipeline=[dict(type="LoadMultiTaskImage"), dict(type="LoadTargets"), *AUGMENTATION],
    )
    rooms = dict(
        type="RoomsDataset", length=5, size=(32, 48), tasks=("depth", "scene"),
        pipeline=AUGMENTATION,
    )  # fmt: skip
    keep = Keep()
    runner = Runner(
        MODEL,
        str(folder / name),
        train_dataloader=dict(
            batch_size=batch_size,
            num_workers=0,
            dataset=dict(type="MixedDataset", datasets=[nyuv2, rooms], ratios=(2, 1)),
            sampler=dict(type="DrawSampler"),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=2),
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.05, momentum=0.9)),
        default_hooks=dict(checkpoint=None),
        custom_hooks=[keep, dict(type="CheckTasksHook"), dict(type="StepSeedHook")],
        randomness=dict(seed=3),
        default_scope="mmseg",
        log_level="WARNING",
        launcher=launcher,
    )
    model = getattr(runner.model, "module", runner.model)
    start = model.state_dict()["heads.depth.conv.weight"].clone()
    runner.train()
    weights = model.state_dict()
    moved = (weights["heads.depth.conv.weight"] - start).abs().max().item()
    return dict(losses=keep.losses, scenes=keep.scenes, weights=weights, moved=moved)


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path: Path) -> None:
    root = make_nyuv2(tmp_path / "nyuv2", frames=8, test=[], size=(32, 48))
    for name in ("0002", "0003", "0007"):
        (root / "depth" / f"{name}.png").unlink()
    one = train(tmp_path, "one", batch_size=4, launcher="none")
    processes = start_ranks(__file__, 2, tmp_path)
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    ranks = [torch.load(tmp_path / f"{rank}.pth", weights_only=True) for rank in range(2)]

    assert len(one["losses"]) == 6
    for step, expected in enumerate(one["losses"]):
        shares = [rank["losses"][step] for rank in ranks]
        mean = {key: (shares[0][key] + shares[1][key]) / 2 for key in expected}
        assert mean == pytest.approx(expected, abs=1e-5)
    for rank in ranks:
        torch.testing.assert_close(rank["weights"], one["weights"], rtol=0, atol=1e-5)
    # it was no easy case: a task was missing in a process, and the weights did move
    assert not all(there for rank in ranks for there in rank["scenes"])
    assert one["moved"] > 0.01


if __name__ == "__main__":
    rank = os.environ["RANK"]
    found = train(Path(sys.argv[1]), f"rank{rank}", batch_size=2, launcher="pytorch")
    torch.save(found, Path(sys.argv[1]) / f"{rank}.pth")
