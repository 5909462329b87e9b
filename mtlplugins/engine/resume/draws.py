"""Numbered draws round any sampler, and data sets that are seeded by them.

MMEngine's samplers hand out plain indices and its data sets augment by whatever state the random
generators are in, so that a resumed run sees other images than one that was not stopped. Here each
index carries the seed of the run and the number of its draw, and the data set is seeded from both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_dist_info, sync_random_seed
from mmseg.registry import DATA_SAMPLERS, DATASETS
from torch.utils.data import Dataset, Sampler

from mtlplugins.common.dataset_leaves import parts_of
from mtlplugins.common.randomness import seeded
from mtlplugins.datasets.draw_sampler import Draw, DrawSampler


def number_draws(dataloader: Any) -> Any:
    """Let a data loader's config hand out numbered draws, to a data set that is seeded by them.

    The order stays that of its sampler. A data loader that is built already is left as it is.
    """
    if not isinstance(dataloader, Mapping):
        return dataloader
    dataloader = dict(dataloader, dataset=dict(type=seed_by_draw, dataset=dataloader["dataset"]))
    sampler = dataloader.get("sampler")
    kind = sampler.get("type") if isinstance(sampler, Mapping) else None
    kind = DATA_SAMPLERS.get(kind) if isinstance(kind, str) else kind
    if kind is not None and kind is not DrawSampler:
        dataloader["sampler"] = dict(type=NumberedSampler, sampler=sampler)
    return dataloader


def seed_by_draw(dataset: Any) -> Any:
    """Build a data set; one that does not seed itself by draws is wrapped in one that does."""
    if isinstance(dataset, Mapping):
        dataset = DATASETS.build(dataset)
        if hasattr(dataset, "full_init"):
            dataset.full_init()
    if all(getattr(part, "seeds_draws", False) for part in parts_of(dataset)):
        return dataset
    return SeededDataset(dataset)


class SeededDataset(Dataset):
    """Any data set, each item of which is made under a seed of its own.

    All else that is asked of it is asked of the data set inside.

    Args:
        dataset: The data set, with ``__len__`` and ``__getitem__``.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """Load an item; a :class:`Draw` by its seed and number alone."""
        if not isinstance(index, Draw):
            return self.dataset[index]
        with seeded(index.seed, index.number):
            return self.dataset[index]

    def __getattr__(self, name: str) -> Any:
        # not before __init__, as in a copy or a worker, where there is nothing to ask yet
        if name.startswith("__") or "dataset" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.dataset, name)


class NumberedSampler(Sampler):
    """A sampler's indices in its own order, as numbered draws.

    Draw i of an epoch has another number than any other of the run. A sampler that takes its order
    from the global generators, as PyTorch's ``RandomSampler``, has one that follows from seed and
    epoch.

    Args:
        dataset: The data set.
        sampler: Config of the sampler to number.
        seed: Seed of the run; None to agree on one.
    """

    def __init__(self, dataset: Any, sampler: Mapping[str, Any], seed: int | None = None) -> None:
        self.dataset = dataset
        self.seed = sync_random_seed() if seed is None else seed
        self.sampler = DATA_SAMPLERS.build(
            dict(sampler), default_args=dict(dataset=dataset, seed=seed)
        )
        self.endless = getattr(self.sampler, "endless", isinstance(self.sampler, InfiniteSampler))
        self.epoch = 0
        self._start = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose draws come next; MMEngine calls it."""
        self.epoch = epoch
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)

    def start_at(self, draws: int) -> None:
        """Leave out this process's first ``draws`` of the next time it is iterated over.

        Their indices are counted off, and nothing is read for them.
        """
        self._start = draws

    def __iter__(self) -> Iterator[Draw]:
        start, self._start = self._start, 0
        rank, world_size = get_dist_info()
        before = 0 if self.endless else self.epoch * len(self) * world_size
        indices = iter(self.sampler)
        with seeded(self.seed, self.epoch):  # of an order that the first index takes
            indices = chain(list(islice(indices, 1)), indices)
        for position, index in enumerate(islice(indices, start, None), start):
            number = before + position * world_size + rank
            yield Draw(int(index), seed=self.seed, number=number)

    def __len__(self) -> int:
        """Draws of this process per epoch."""
        return len(self.sampler)
