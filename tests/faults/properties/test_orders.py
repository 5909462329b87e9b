"""Properties of sampling: items, order and rank, against plain lists."""

from __future__ import annotations

import pickle
from itertools import islice
from typing import ClassVar

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.utils.data import Dataset

from mtlplugins.datasets import Draw, DrawSampler, MixedDataset
from mtlplugins.datasets import draw_sampler as draws
from tests.faults.properties._examples import examples

pytestmark = pytest.mark.faults

seeds = st.integers(0, 2**63)
epochs = st.integers(0, 5)


class Numbers(Dataset):
    """Items that say which they are, and of which data set."""

    metainfo: ClassVar = {"tasks": {}}

    def __init__(self, size: int, name: int = 0) -> None:
        self.size, self.name = size, name

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[int, int, object]:
        return self.name, int(index), getattr(index, "number", None)


@st.composite
def mixes(draw: st.DrawFn) -> MixedDataset:
    sizes = draw(st.lists(st.integers(1, 30), min_size=1, max_size=4))
    ratios = [draw(st.floats(0.05, 4)) for _ in sizes]
    assume(all(sizes[0] * ratio / ratios[0] >= 0.5 for ratio in ratios[1:]))
    return MixedDataset([Numbers(size, i) for i, size in enumerate(sizes)], ratios)


def processes(data: Dataset, world: int, **settings: object) -> list[DrawSampler]:
    """The samplers of a distributed run."""
    made = []
    with pytest.MonkeyPatch.context() as patch:
        for rank in range(world):
            patch.setattr(draws, "get_dist_info", lambda rank=rank: (rank, world))
            made.append(DrawSampler(data, **settings))
    return made


def drawn(sampler: DrawSampler, epoch: int) -> list[tuple[int, int]]:
    sampler.set_epoch(epoch)
    return [(int(draw), draw.number) for draw in sampler]


datasets = st.one_of(st.integers(1, 50).map(Numbers), mixes())


@examples(200)
@given(datasets, st.integers(1, 8), seeds, epochs, st.booleans())
def test_processes_deal_out_an_epoch(
    data: Dataset, world: int, seed: int, epoch: int, shuffle: bool
) -> None:
    (alone,) = processes(data, 1, seed=seed, shuffle=shuffle)
    whole = drawn(alone, epoch)
    samplers = processes(data, world, seed=seed, shuffle=shuffle)
    shares = [drawn(sampler, epoch) for sampler in samplers]
    assert len({len(share) for share in shares}) == 1
    assert [len(sampler) for sampler in samplers] == [len(shares[0])] * world
    dealt = [share[step] for step in range(len(shares[0])) for share in shares]
    # in turn, as one process has them, and from the start again where they do not suffice
    assert 0 <= len(dealt) - len(whole) < world
    order = [index for index, _ in whole]
    assert [index for index, _ in dealt] == [order[i % len(order)] for i in range(len(dealt))]
    # numbered through, without a gap or a number that comes twice
    assert [number for _, number in dealt] == [*range(epoch * len(dealt), (epoch + 1) * len(dealt))]
    if isinstance(data, Numbers):
        assert sorted(order) == [*range(len(data))]
    if isinstance(data, Numbers) and not shuffle:
        assert order == [*range(len(data))]


@examples(100)
@given(datasets, st.integers(1, 4), seeds, epochs, st.integers(0, 120))
def test_draws_continue_from_anywhere(
    data: Dataset, world: int, seed: int, epoch: int, done: int
) -> None:
    """A run that is resumed after ``done`` draws goes on with what it would have had."""
    for endless, finite in zip(
        *(processes(data, world, seed=seed, endless=e) for e in (True, False)), strict=True
    ):
        endless.set_epoch(epoch)
        never_stopped = [(int(d), d.number) for d in islice(endless, done + 10)]
        epochs = [pair for e in range(done + 10) for pair in drawn(finite, epoch + e)]
        assert never_stopped == epochs[: done + 10]
        assert len({number for _, number in never_stopped}) == done + 10
        endless.start_at(done)
        assert [(int(d), d.number) for d in islice(endless, 10)] == never_stopped[done:]
        # in the middle of an epoch that ends, and once only
        whole = drawn(finite, epoch)
        finite.start_at(done % len(finite))
        assert drawn(finite, epoch) == whole[done % len(finite) :]
        assert drawn(finite, epoch) == whole


@examples(150)
@given(mixes(), seeds, st.booleans())
def test_each_data_set_of_a_mix_is_passed_through(
    data: MixedDataset, seed: int, shuffle: bool
) -> None:
    orders = [data.draw_order(seed, epoch, shuffle=shuffle).tolist() for epoch in range(6)]
    assert data.draw_order(seed, 4, shuffle=shuffle).tolist() == orders[4]
    items = [[data[index][:2] for index in order] for order in orders]
    first = len(data.datasets[0])
    for which, (dataset, ratio) in enumerate(zip(data.datasets, data.ratios, strict=True)):
        own = [[i for name, i in epoch if name == which] for epoch in items]
        assert len({len(epoch) for epoch in own}) == 1
        assert abs(len(own[0]) - first * ratio / data.ratios[0]) <= 0.5 + 1e-9
        stream = [i for epoch in own for i in epoch]
        for start in range(0, len(stream), len(dataset)):
            one_pass = stream[start : start + len(dataset)]
            assert len(set(one_pass)) == len(one_pass)  # the last one may be cut
            if not shuffle:
                assert one_pass == [*range(len(one_pass))]


@examples(150)
@given(mixes(), seeds, epochs, st.booleans())
def test_the_data_sets_of_a_mix_are_interleaved(
    data: MixedDataset, seed: int, epoch: int, shuffle: bool
) -> None:
    """Each one's k-th draw is in the k-th of as many equal parts of the epoch as it has draws."""
    names = [data[i][0] for i in data.draw_order(seed, epoch, shuffle=shuffle).tolist()]
    counts = [names.count(which) for which in range(len(data.datasets))]
    seen = [0] * len(counts)
    for name in names:
        part = seen[name] / counts[name], (seen[name] + 1) / counts[name]
        for other, count in enumerate(counts):
            # of another, what was drawn last is not from behind this part, what comes next not
            # from before it
            assert (seen[other] - 1) / count <= part[1] + 1e-9
            assert (seen[other] + 1) / count >= part[0] - 1e-9
        seen[name] += 1


@examples(150)
@given(mixes(), st.data(), seeds, st.integers(0, 2**40))
def test_an_index_of_a_mix_is_an_item_of_one(
    data: MixedDataset, draw: st.DataObject, seed: int, number: int
) -> None:
    every = [(name, i) for name, one in enumerate(data.datasets) for i in range(len(one))]
    assert len(data) == len(every)
    index = draw.draw(st.integers(0, len(data) - 1))
    assert data[index] == (*every[index], None)
    travelled = pickle.loads(pickle.dumps(Draw(index, seed=seed, number=number)))
    assert data[travelled] == (*every[index], number)
    assert (travelled.seed, int(travelled)) == (seed, index)
    for outside in (-1 - index, len(data) + index):
        with pytest.raises(IndexError, match=f"no item {outside}"):
            data[outside]
