from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from mtlplugins.datasets import Draw, DrawSampler, MixedDataset, RoomsDataset
from mtlplugins.datasets import draw_sampler as draws
from tests._data import make_nyuv2

LOADING = [dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")]
CROP = dict(type="MultiTaskRandomResizedCrop", scale=16, crop_ratio_range=(0.2, 1.0))
PACK = dict(type="PackMultiTask")


def rooms(length: int, tasks: tuple[str, ...] = ("depth",), **settings: object) -> dict:
    return dict(
        type="RoomsDataset", length=length, size=(16, 24), tasks=tasks, pipeline=[CROP, PACK],
        **settings,
    )  # fmt: skip


class Numbers(Dataset):
    """As many items as asked for, without targets."""

    metainfo: ClassVar = {"tasks": {}}

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size


def mix(sizes: list[int], ratios: list[float]) -> MixedDataset:
    return MixedDataset([Numbers(size) for size in sizes], ratios)


def sources(data: MixedDataset, order: np.ndarray) -> np.ndarray:
    """Which data set each draw is from."""
    return np.searchsorted(np.cumsum([len(d) for d in data.datasets]), order, side="right")


# which data set is drawn


def test_the_pattern_by_hand() -> None:
    order = mix([6, 4], [3, 1]).draw_order(0, 0, shuffle=False)
    assert order.tolist() == [0, 1, 6, 2, 3, 4, 7, 5]
    order = mix([2, 9, 9], [1, 2, 1]).draw_order(0, 0, shuffle=False)
    assert order.tolist() == [2, 0, 11, 3, 4, 1, 12, 5]


@pytest.mark.parametrize(
    ("sizes", "ratios"),
    [
        ([300, 50], [3, 1]), ([70, 500], [1, 1]), ([40, 9, 300], [1, 0.5, 2.5]),
        ([60, 70], [0.2, 1.3]), ([100], [7]),
    ],
)  # fmt: skip
def test_every_stretch_has_about_the_ratio(sizes: list[int], ratios: list[float]) -> None:
    data = mix(sizes, ratios)
    drawn = sources(data, data.draw_order(0, 0, shuffle=True))
    assert (drawn == 0).sum() == sizes[0]
    for which, ratio in enumerate(ratios):
        share = ratio / sum(ratios)
        taken = np.concatenate([[0], np.cumsum(drawn == which)])
        for length in (1, 4, 16, len(drawn)):
            found = taken[length:] - taken[:-length]
            assert len(found) > 0
            assert np.abs(found - length * share).max() <= 3


def test_no_process_is_left_with_a_single_data_set() -> None:
    data = mix([120, 40], [3, 1])
    drawn = sources(data, data.draw_order(0, 0, shuffle=True))
    for rank in range(4):
        assert 2 <= (drawn[rank::4] == 1).sum() <= 18


# which item of it


def test_each_data_set_has_passes_of_its_own() -> None:
    data = mix([6, 5], [3, 1])
    epochs = [data.draw_order(7, epoch, shuffle=True) for epoch in range(10)]
    assert all(len(order) == 8 for order in epochs)
    first = [[i for i in order if i < 6] for order in epochs]
    assert all(sorted(items) == list(range(6)) for items in first)
    second = [i - 6 for order in epochs for i in order if i >= 6]
    passes = [second[start : start + 5] for start in range(0, 20, 5)]
    assert all(sorted(items) == list(range(5)) for items in passes)
    for found in (first, passes):
        assert len({tuple(items) for items in found}) > 2
    assert (data.draw_order(7, 3, shuffle=True) == epochs[3]).all()
    assert (data.draw_order(8, 3, shuffle=True) != epochs[3]).any()


def test_a_small_data_set_is_repeated_within_an_epoch() -> None:
    order = mix([8, 3], [1, 1]).draw_order(0, 0, shuffle=True)
    drawn = [i - 8 for i in order if i >= 8]
    assert len(drawn) == 8
    assert sorted(drawn[:3]) == sorted(drawn[3:6]) == [0, 1, 2]


# items


def test_an_item_is_the_data_sets_own() -> None:
    data = MixedDataset([rooms(3), rooms(4, seed=1)], [1, 1])
    assert len(data) == 7
    for index, (part, inner) in {2: (0, 2), 3: (1, 0), 6: (1, 3)}.items():
        mixed = data[Draw(index, seed=5, number=9)]
        direct = data.datasets[part][Draw(inner, seed=5, number=9)]
        assert mixed["data_samples"].img_path == f"rooms/{part}/{inner:06d}.png"
        assert mixed["data_samples"].crop_box == direct["data_samples"].crop_box
        assert torch.equal(mixed["inputs"], direct["inputs"])
    for index in (7, -1):
        with pytest.raises(IndexError, match=f"no item {index}, it has 7"):
            data[index]


def test_partly_labelled_samples_say_what_they_have(tmp_path: Path) -> None:
    nyuv2 = dict(
        type="NYUv2Dataset", data_root=str(make_nyuv2(tmp_path)), ann_file="splits/train.txt",
        tasks=["semantic"], pipeline=[*LOADING, CROP, PACK],
    )  # fmt: skip
    data = MixedDataset([nyuv2, rooms(3, ("depth", "scene"))], [1, 1])
    assert list(data.metainfo["tasks"]) == ["semantic", "depth", "scene"]
    keys = [{k for k in data[i]["data_samples"].all_keys() if k[:3] == "gt_"} for i in range(5)]
    assert keys == [{"gt_semantic"}] * 2 + [{"gt_depth", "gt_scene"}] * 3


def test_one_task_at_a_time_may_be_mixed() -> None:
    single = dict(type="OneTaskDataset", dataset=rooms(2, ("depth", "scene")))
    data = MixedDataset([single, rooms(3)], [2, 1])
    assert len(data) == 7
    item, direct = data[Draw(2, seed=1, number=4)], data.datasets[0][Draw(2, seed=1, number=4)]
    assert item["data_samples"].crop_box == direct["data_samples"].crop_box
    assert item["data_samples"].target("scene") is None


# tasks that two data sets have


def test_the_first_palette_is_taken(tmp_path: Path) -> None:
    nyuv2 = dict(
        type="NYUv2Dataset", data_root=str(make_nyuv2(tmp_path)), ann_file="splits/train.txt"
    )
    data = MixedDataset([rooms(3, ("semantic",)), nyuv2], [1, 1])
    rooms_only = RoomsDataset(1).metainfo["tasks"]["semantic"]
    assert data.metainfo["tasks"]["semantic"] == rooms_only
    assert data.datasets[1].metainfo["tasks"]["semantic"]["palette"] != rooms_only["palette"]
    message = (
        r"'semantic': classes is .*background.* in data set 0 \(RoomsDataset\) but .* in data set "
        r"1 \(NYUv2Dataset\); make them agree, or leave the task out"
    )
    with pytest.raises(ValueError, match=message):
        MixedDataset([rooms(3, ("semantic",)), {**nyuv2, "num_classes": 13}], [1, 1])


@pytest.mark.parametrize("ratios", [[1], [1, 0], [1, -2], [1, 2, 3]])
def test_a_ratio_for_each_data_set(ratios: list[float]) -> None:
    with pytest.raises(ValueError, match=r"ratios=\(1,.*a positive number for each of the 2"):
        mix([3, 3], ratios)


def test_a_data_set_that_never_comes_is_an_error() -> None:
    message = r"epoch, 3 items of data set 0 .*, has none of data set 1 .*; raise its ratio"
    with pytest.raises(ValueError, match=message):
        mix([3, 3], [10, 1])


# with the sampler


def test_the_sampler_draws_by_the_ratio() -> None:
    data = DATASETS.build(dict(type="MixedDataset", datasets=[rooms(6), rooms(4)], ratios=(3, 1)))
    loader = Runner.build_dataloader(
        dict(batch_size=4, num_workers=0, dataset=data, sampler=dict(type="DrawSampler")), seed=3
    )
    assert len(loader) == 2
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        drawn = list(loader.sampler)
        assert drawn == data.draw_order(3, epoch, shuffle=True).tolist()
        assert [draw.number for draw in drawn] == list(range(8 * epoch, 8 * epoch + 8))
    assert len(next(iter(loader))["inputs"]) == 4


@pytest.mark.parametrize("world", [2, 4])
def test_processes_share_the_batches_of_one(world: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step k of W processes has the draws of step k of one with W times the batch size."""
    data, batch = mix([12, 5], [3, 1]), 2

    def process(rank: int, world: int) -> list[tuple[int, int]]:
        monkeypatch.setattr(draws, "get_dist_info", lambda: (rank, world))
        sampler = DrawSampler(data, seed=1)
        sampler.set_epoch(2)
        return [(int(draw), draw.number) for draw in sampler]

    whole = process(0, 1)
    shares = [process(rank, world) for rank in range(world)]
    assert len(whole) == 16
    for step in range(len(whole) // (batch * world)):
        together = {d for share in shares for d in share[batch * step : batch * (step + 1)]}
        assert together == set(whole[batch * world * step : batch * world * (step + 1)])
