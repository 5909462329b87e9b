from __future__ import annotations

import copy
import pickle
import random
from itertools import islice

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.runner import Runner
from mmseg.registry import DATA_SAMPLERS
from torch.utils.data import DataLoader

from mtlplugins.datasets import Draw, DrawSampler, RoomsDataset
from mtlplugins.datasets import draw_sampler as draws

PIPELINE = [
    dict(type="MultiTaskRandomResizedCrop", scale=16, crop_ratio_range=(0.2, 1.0)),
    dict(type="MultiTaskRandomFlip"),
    dict(type="MultiTaskColorJitter", brightness=0.5),
    dict(type="PackMultiTask"),
]


@pytest.fixture(scope="module")
def data() -> RoomsDataset:
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope("mmseg"):
        return RoomsDataset(6, size=(24, 32), tasks=["depth"], pipeline=PIPELINE)


def samplers(size: int, world: int, **settings: object) -> list[DrawSampler]:
    """One sampler for each process of a distributed run."""
    made = []
    with pytest.MonkeyPatch.context() as patch:
        for rank in range(world):
            patch.setattr(draws, "get_dist_info", lambda rank=rank: (rank, world))
            made.append(DrawSampler(range(size), **{"seed": 0, **settings}))
    return made


def pairs(sampler: DrawSampler, epoch: int) -> list[tuple[int, int]]:
    sampler.set_epoch(epoch)
    return [(int(draw), draw.number) for draw in sampler]


def sameness(one: dict, other: dict) -> bool:
    samples = one["data_samples"], other["data_samples"]
    return (
        torch.equal(one["inputs"], other["inputs"])
        and torch.equal(*[sample.target("depth").data for sample in samples])
        and samples[0].crop_box == samples[1].crop_box
    )


# draws


def test_a_draw_is_an_index_that_travels() -> None:
    draw = Draw(3, seed=2**40, number=17)
    assert list(range(5))[draw] == 3
    for again in (pickle.loads(pickle.dumps(draw)), copy.deepcopy(draw), copy.copy(draw)):
        assert (type(again), again, again.seed, again.number) == (Draw, 3, 2**40, 17)


def test_wrappers_keep_the_draw() -> None:
    for part, index in ((Draw(13, seed=1, number=2) - 10, 3), (Draw(13, seed=1, number=2) % 5, 3)):
        assert (type(part), part, part.seed, part.number) == (Draw, index, 1, 2)


# the sampler


def test_each_epoch_is_a_new_order_of_all() -> None:
    (sampler,) = samplers(50, 1)
    epochs = [pairs(sampler, epoch) for epoch in range(4)]
    for epoch, drawn in enumerate(epochs):
        assert sorted(index for index, _ in drawn) == list(range(50))
        assert [number for _, number in drawn] == list(range(50 * epoch, 50 * epoch + 50))
        assert pairs(sampler, epoch) == drawn
    orders = {tuple(index for index, _ in drawn) for drawn in epochs}
    assert len(orders) == 4
    other = pairs(samplers(50, 1, seed=1)[0], 0)
    assert [index for index, _ in other] != [index for index, _ in epochs[0]]


def test_without_shuffling_the_order_is_that_of_the_data() -> None:
    (sampler,) = samplers(4, 1, shuffle=False)
    assert pairs(sampler, 3) == [(0, 12), (1, 13), (2, 14), (3, 15)]


@pytest.mark.parametrize(("size", "world"), [(12, 3), (13, 3), (14, 3), (2, 5)])
def test_processes_share_an_epoch(size: int, world: int) -> None:
    processes = samplers(size, world)
    (whole,) = samplers(size, 1)
    each = -(-size // world)
    for epoch in range(3):
        shares = [pairs(sampler, epoch) for sampler in processes]
        assert [len(share) for share in shares] == [len(p) for p in processes] == [each] * world
        drawn = [share[step] for step in range(each) for share in shares]
        assert [number - epoch * each * world for _, number in drawn] == list(range(each * world))
        order = [index for index, _ in pairs(whole, epoch)]
        assert [index for index, _ in drawn] == [order[i % size] for i in range(each * world)]


def test_endless_sampling_continues_with_the_next_epochs() -> None:
    (finite,) = samplers(5, 1)
    (endless,) = samplers(5, 1, endless=True)
    expected = [pair for epoch in range(2, 5) for pair in pairs(finite, epoch)]
    endless.set_epoch(2)
    assert [(int(d), d.number) for d in islice(endless, 15)] == expected
    assert len(endless) == 5


def test_the_seed_of_the_run_is_the_default(data: RoomsDataset) -> None:
    loader = Runner.build_dataloader(
        dict(batch_size=2, num_workers=0, dataset=data, sampler=dict(type="DrawSampler")), seed=31
    )
    assert [draw.seed for draw in loader.sampler] == [31] * 6
    assert DATA_SAMPLERS.get("DrawSampler") is DrawSampler
    np.random.seed(0)
    one = DrawSampler(range(4)).seed
    assert isinstance(one, int)
    assert one != DrawSampler(range(4)).seed


# augmentation


def test_a_draw_decides_the_augmentation(data: RoomsDataset) -> None:
    first = data[Draw(2, seed=0, number=5)]
    np.random.rand(100)
    assert sameness(data[Draw(2, seed=0, number=5)], first)
    others = [Draw(2, seed=0, number=6), Draw(2, seed=1, number=5), Draw(3, seed=0, number=5)]
    assert not any(sameness(data[other], first) for other in others)


def test_a_draw_leaves_the_global_generators_alone(data: RoomsDataset) -> None:
    def state() -> tuple:
        _, keys, position, *_ = np.random.get_state()
        return random.getstate(), torch.get_rng_state().tolist(), keys.tolist(), position

    before = state()
    data[Draw(2, seed=0, number=5)]
    assert state() == before
    data[2]
    assert state() != before


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_workers_change_nothing(data: RoomsDataset, workers: int) -> None:
    (sampler,) = samplers(6, 1)
    direct = [data[draw] for draw in sampler]
    torch.manual_seed(workers)
    loaded = list(DataLoader(data, batch_size=None, sampler=sampler, num_workers=workers))
    assert len(loaded) == 6
    for one, other in zip(loaded, direct, strict=True):
        assert sameness(one, other)


def crop_boxes(data: RoomsDataset, sampler: str, *, persistent: bool) -> list[set[tuple]]:
    """For each of three epochs, which part of each image is cropped, by a training's loader."""
    loader = Runner.build_dataloader(
        dict(
            batch_size=2,
            num_workers=1,
            persistent_workers=persistent,
            dataset=data,
            sampler=dict(type=sampler, shuffle=False),
        ),
        seed=0,
    )
    epochs = []
    for epoch in range(3):
        loader.sampler.set_epoch(epoch)
        samples = [sample for batch in loader for sample in batch["data_samples"]]
        epochs.append({(sample.img_path, sample.crop_box) for sample in samples})
    return epochs


def test_the_usual_sampler_repeats_its_augmentation(data: RoomsDataset) -> None:
    """The reason for draws: if this fails, MMEngine seeds its workers anew for each epoch."""
    epochs = crop_boxes(data, DefaultSampler.__name__, persistent=False)
    assert epochs[0] == epochs[1] == epochs[2]


@pytest.mark.parametrize("persistent", [False, True])
def test_draws_do_not_repeat_and_are_the_same_in_each_run(
    data: RoomsDataset, persistent: bool
) -> None:
    epochs = crop_boxes(data, "DrawSampler", persistent=persistent)
    assert len(epochs[0] | epochs[1] | epochs[2]) == 18
    assert crop_boxes(data, "DrawSampler", persistent=persistent) == epochs


@pytest.mark.parametrize("endless", [False, True])
@pytest.mark.parametrize("world", [1, 2, 3])
def test_it_starts_anywhere(world: int, endless: bool) -> None:
    """What is left is what an iteration from the start would have given."""
    for sampler in samplers(7, world, endless=endless):
        sampler.set_epoch(2)
        whole = [(int(d), d.number) for d in islice(sampler, 30)]
        for start in range(len(whole)):
            sampler.start_at(start)
            rest = [(int(d), d.number) for d in islice(sampler, 30 - start)]
            assert rest == whole[start:]
        assert [(int(d), d.number) for d in islice(sampler, 30)] == whole  # once
