"""Numbered draws from any sampler, and data sets that are seeded by them.

MMEngine's samplers yield plain indices and its data sets augment with whatever state the random
generators are in, so a resumed run sees other images than an uninterrupted one. Here each index
carries the seed of the run and the number of its draw, and the data set is seeded from both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from mmengine.dataset import ConcatDataset, InfiniteSampler, RepeatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from mmseg.registry import DATA_SAMPLERS, DATASETS
from torch.utils.data import Dataset, Sampler

from mtlplugins.common.randomness import seeded
from mtlplugins.datasets.draw_sampler import Draw, DrawSampler

#: Wrappers whose arithmetic of indices keeps draws.
_KEEP_DRAWS = (ConcatDataset, RepeatDataset)


def number_draws(dataloader: Any) -> Any:
    """Wrap sampler and data set in a data loader's config, for numbered draws that seed each item.

    The order stays that of the sampler. A data loader that is already built is returned unchanged.
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
    """Build a data set; wrap it in :class:`SeededDataset` unless it seeds itself by draws."""
    if isinstance(dataset, Mapping):
        dataset = DATASETS.build(dataset)
        if hasattr(dataset, "full_init"):
            dataset.full_init()
    return dataset if _seeds_draws(dataset) else SeededDataset(dataset)


def _seeds_draws(dataset: Any) -> bool:
    """Return whether draws reach data sets that seed by them, through nothing random or unknown.

    MMEngine's ``ClassBalancedDataset`` looks indices up in a list, which turns draws into plain
    ones; mmseg's ``MultiImageMixDataset`` draws at random outside of the data set in it.
    """
    inner = getattr(dataset, "datasets", None) or [getattr(dataset, "dataset", None)]
    if inner == [None]:
        return getattr(dataset, "seeds_draws", False)
    keeps = type(dataset) in _KEEP_DRAWS or getattr(dataset, "keeps_draws", False)
    return keeps and all(map(_seeds_draws, inner))


class SeededDataset(Dataset):
    """Wrapper that loads each item of a data set under a seed of its own.

    Other attributes are those of the wrapped data set.

    Args:
        dataset: The data set, with ``__len__`` and ``__getitem__``.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """Load an item; for a :class:`Draw` it depends on the draw's seed and number only."""
        if not isinstance(index, Draw):
            return self.dataset[index]
        with seeded(index.seed, index.number):
            return self.dataset[index]

    def __getattr__(self, name: str) -> Any:
        # a copy, or a worker's unpickled one, is asked for names before ``dataset`` is set
        if name.startswith("__") or "dataset" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.dataset, name)


class NumberedSampler(Sampler):
    """Wrapper that yields a sampler's indices, in the same order, as numbered draws.

    Each draw of a run has a number of its own. A sampler that takes its order from the global
    generators, as PyTorch's ``RandomSampler`` does, gets an order that depends on seed and epoch
    only.

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
        """Set the epoch of the next draws; MMEngine calls it."""
        self.epoch = epoch
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)

    def start_at(self, draws: int) -> None:
        """Skip this rank's first ``draws`` draws of the next iteration over this sampler.

        The indices are consumed, but no data is read for them.
        """
        self._start = draws

    def __iter__(self) -> Iterator[Draw]:
        start, self._start = self._start, 0
        rank, world_size = get_dist_info()
        before = 0 if self.endless else self.epoch * len(self) * world_size
        indices = iter(self.sampler)
        with seeded(self.seed, self.epoch):  # a random order is drawn with the first index
            indices = chain(list(islice(indices, 1)), indices)
        for position, index in enumerate(islice(indices, start, None), start):
            number = before + position * world_size + rank
            yield Draw(int(index), seed=self.seed, number=number)

    def __len__(self) -> int:
        """Draws of this rank per epoch."""
        return len(self.sampler)
