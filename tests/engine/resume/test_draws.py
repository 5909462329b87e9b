"""Numbered draws around samplers and data sets of other packages."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmseg.registry import DATA_SAMPLERS, DATASETS, TRANSFORMS
from torch.utils.data import Dataset, RandomSampler

from mtlplugins.datasets import RoomsDataset
from mtlplugins.datasets.draw_sampler import Draw, DrawSampler
from mtlplugins.engine.resume import draws as numbered
from mtlplugins.engine.resume.draws import (
    NumberedSampler,
    SeededDataset,
    number_draws,
    seed_by_draw,
)


@pytest.fixture(autouse=True)
def _in_the_scope_of_a_run() -> Iterator[None]:
    """MMEngine's wrappers build what they wrap in the default scope."""
    with DefaultScope.overwrite_default_scope("mmseg"):
        yield


@DATA_SAMPLERS.register_module()
class TorchsOwn(RandomSampler):
    """PyTorch's, whose order comes from the global generator."""

    def __init__(self, dataset: Any, seed: int | None = None) -> None:
        super().__init__(dataset)


class Chance(Dataset):
    """Items that come from all three generators."""

    metainfo = dict(classes=("a",))

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.tensor([float(index), random.random(), np.random.rand(), torch.rand(1).item()])


def loader(**settings: Any) -> Any:
    sampler = settings.pop("sampler", dict(type="DefaultSampler", shuffle=True))
    given = dict(batch_size=2, num_workers=0, dataset=Chance(), sampler=sampler, **settings)
    given["collate_fn"] = dict(type="default_collate")
    return Runner.build_dataloader(number_draws(given), seed=3)


def epoch(dataloader: Any, number: int = 0, *, start: int = 0) -> torch.Tensor:
    dataloader.sampler.set_epoch(number)
    dataloader.sampler.start_at(start)
    return torch.cat(list(dataloader))


@pytest.mark.parametrize("sampler", ["DefaultSampler", "TorchsOwn"])
def test_an_epoch_is_a_function_of_its_number(sampler: str) -> None:
    first = loader(sampler=dict(type=sampler))
    epochs = [epoch(first, number) for number in range(3)]
    torch.rand(100), random.random(), np.random.rand(3)
    again = loader(sampler=dict(type=sampler))
    assert torch.equal(epoch(again, 2), epochs[2])
    assert torch.equal(epoch(again, 1, start=2), epochs[1][2:])
    assert not torch.equal(epochs[0][:, 1:], epochs[1][:, 1:])
    assert sorted(epochs[1][:, 0].tolist()) == [0, 1, 2, 3, 4]


def test_the_order_is_the_samplers_own() -> None:
    own = DefaultSampler(Chance(), seed=3)
    own.set_epoch(4)
    assert epoch(loader(), 4)[:, 0].tolist() == list(own)


def test_workers_change_nothing() -> None:
    alone, three = loader(), loader(persistent_workers=False)
    assert torch.equal(epoch(alone, 1), epoch(three, 1))
    with_workers = Runner.build_dataloader(
        number_draws(
            dict(
                batch_size=2,
                num_workers=2,
                dataset=Chance(),
                sampler=dict(type="DefaultSampler"),
                collate_fn=dict(type="default_collate"),
            )
        ),
        seed=3,
    )
    assert torch.equal(epoch(with_workers, 1), epoch(alone, 1))


def test_an_endless_sampler_counts_on() -> None:
    first, second = (
        NumberedSampler(Chance(), dict(type="InfiniteSampler"), seed=3) for _ in range(2)
    )
    assert first.endless
    draws = [draw for draw, _ in zip(first, range(12), strict=False)]
    assert [draw.number for draw in draws] == list(range(12))
    second.start_at(7)
    assert [(d, d.number) for d, _ in zip(second, range(5), strict=False)] == [
        (d, d.number) for d in draws[7:]
    ]


def test_each_process_has_its_own_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for rank in range(2):
        monkeypatch.setattr("mmengine.dataset.sampler.get_dist_info", lambda rank=rank: (rank, 2))
        monkeypatch.setattr(numbered, "get_dist_info", lambda rank=rank: (rank, 2))
        sampler = NumberedSampler(Chance(), dict(type="DefaultSampler"), seed=3)
        for number in range(2):
            sampler.set_epoch(number)
            seen += [draw.number for draw in sampler]
    assert sorted(seen) == list(range(12))  # five items are six draws


def test_ours_are_left_as_they_are() -> None:
    rooms = dict(type="RoomsDataset", length=3)
    assert isinstance(seed_by_draw(rooms), RoomsDataset)
    joined = dict(type="ConcatDataset", datasets=[rooms, rooms])
    assert not isinstance(seed_by_draw(joined), SeededDataset)
    made = number_draws(dict(dataset=rooms, sampler=dict(type="DrawSampler")))
    assert made["sampler"] == dict(type="DrawSampler")
    assert type(Runner.build_dataloader(dict(made, batch_size=1)).sampler) is DrawSampler
    ready = loader()
    assert number_draws(ready) is ready


def test_the_data_set_inside_answers() -> None:
    seeded = SeededDataset(Chance())
    assert seeded.metainfo == Chance.metainfo
    assert not hasattr(seeded, "full_init")
    copy = pickle.loads(pickle.dumps(seeded))
    draw = Draw(2, seed=1, number=7)
    before = torch.get_rng_state()
    assert torch.equal(copy[draw], seeded[draw])
    assert torch.equal(torch.get_rng_state(), before)  # the training's own is left alone
    assert seeded[2][0] == 2


ROOMS = dict(
    type="RoomsDataset",
    length=3,
    size=(24, 32),
    tasks=["semantic", "scene"],
    pipeline=[dict(type="MultiTaskRandomResizedCrop", scale=16), dict(type="PackMultiTask")],
)
WRAPPERS = {
    "RepeatDataset": dict(times=2, dataset=ROOMS),
    "ConcatDataset": dict(datasets=[ROOMS, dict(ROOMS, seed=1)]),
    "ClassBalancedDataset": dict(dataset=ROOMS, oversample_thr=1.0),
    "MultiImageMixDataset": dict(
        dataset=dict(type="RepeatDataset", times=2, dataset=ROOMS),
        pipeline=[dict(type="Noise")],
    ),
    "MixedDataset": dict(datasets=[ROOMS, dict(ROOMS, seed=1)], ratios=(1, 1)),
}


@TRANSFORMS.register_module()
class Noise:
    """A random transform of a wrapper's own."""

    def __call__(self, results: dict) -> dict:
        results["inputs"] = results["inputs"] + torch.randint(0, 9, (3, 1, 1), dtype=torch.uint8)
        return results


@pytest.mark.parametrize("kind", WRAPPERS)
def test_wrapped_data_sets_are_a_function_of_the_draw(kind: str) -> None:
    dataset = seed_by_draw(dict(type=kind, **WRAPPERS[kind]))
    assert set(dataset.metainfo["tasks"]) == {"semantic", "scene"}
    items = []
    for state in range(2):  # whatever ran before
        random.seed(state), np.random.seed(state), torch.manual_seed(state)
        items.append([dataset[Draw(i, seed=3, number=n)]["inputs"] for i, n in ((4, 1), (4, 2))])
    for first, second in zip(*items, strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(*items[0])  # two draws of one item differ


def test_wrappers_that_keep_draws_are_not_seeded_twice() -> None:
    for kind in ("RepeatDataset", "ConcatDataset", "MixedDataset"):
        built = DATASETS.build(dict(type=kind, **WRAPPERS[kind]))
        assert seed_by_draw(built) is built
