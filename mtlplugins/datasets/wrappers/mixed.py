"""Training on several data sets, drawn in fixed proportions."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np
from mmseg.registry import DATASETS
from torch.utils.data import Dataset


@DATASETS.register_module()
class MixedDataset(Dataset):
    """Data sets with different targets, drawn in fixed proportions.

    Its items are those of the data sets, concatenated. :meth:`draw_order` gives
    :class:`DrawSampler` the proportions and the interleaved order: every stretch of draws has about
    the ratios. The order depends on seed and epoch only. An epoch is one pass through the first
    data set; the ratios determine the number of draws from the others. Each data set is shuffled
    for each pass through it, and a pass may span epochs: small data sets are repeated, no item of a
    large one is lost. Other samplers draw every item equally often.

    A task that several data sets have must be the same in all of them, except for its colours,
    which are those of the first.

    Args:
        datasets: Data sets, or their configs; the main one first.
        ratios: Relative frequency of each data set, such as ``(3, 1)``.

    Raises:
        ValueError: There is not one positive ratio per data set; a data set is drawn too rarely to
            occur in an epoch; or two data sets describe a task differently.
    """

    #: Draws stay draws on their way to the data sets.
    keeps_draws = True

    def __init__(self, datasets: Sequence[dict | Dataset], ratios: Sequence[float]) -> None:
        positive = isinstance(ratios, Sequence) and all(
            isinstance(ratio, (int, float)) and 0 < ratio < inf for ratio in ratios
        )
        if not positive or len(datasets) != len(ratios) or not datasets:
            shown = tuple(ratios) if isinstance(ratios, Sequence) else ratios
            raise ValueError(
                f"MixedDataset: ratios={shown}, give a positive number for each of the "
                f"{len(datasets)} data sets"
            )
        self.datasets: list[Any] = [
            DATASETS.build(d) if isinstance(d, dict) else d for d in datasets
        ]
        self.ratios = tuple(ratios)
        sizes = np.array([len(d) for d in self.datasets])
        self._ends = sizes.cumsum()
        shares = np.array(self.ratios) / self.ratios[0]
        self._counts = np.floor(sizes[0] * shares + 0.5).astype(int)  # draws of an epoch
        for index in np.flatnonzero(self._counts == 0):
            raise ValueError(
                f"MixedDataset: with ratios={self.ratios} an epoch, {sizes[0]} items of "
                f"{self._name(0)}, has none of {self._name(index)}; raise its ratio"
            )
        self._tasks = self._merge_tasks()

    def _name(self, index: int) -> str:
        return f"data set {index} ({type(self.datasets[index]).__name__})"

    def _merge_tasks(self) -> dict[str, dict]:
        tasks: dict[str, dict] = {}
        owners: dict[str, int] = {}
        for index, dataset in enumerate(self.datasets):
            for task, described in dataset.metainfo["tasks"].items():
                first = tasks.setdefault(task, described)
                owner = owners.setdefault(task, index)
                for key in sorted((first.keys() | described.keys()) - {"palette", "file_unit"}):
                    if first.get(key) != described.get(key):
                        raise ValueError(
                            f"task {task!r}: {key} is {first.get(key)} in {self._name(owner)} but "
                            f"{described.get(key)} in {self._name(index)}; make them agree, or "
                            "leave the task out of one of them with its `tasks`"
                        )
        return tasks

    @property
    def metainfo(self) -> dict[str, Any]:
        """Description of each task of any data set, for metrics and panels."""
        return dict(tasks=self._tasks)

    def draw_order(self, seed: int, epoch: int, *, shuffle: bool) -> np.ndarray:
        """Return the indices (draws,) of an epoch's items, in the order of the draws."""
        items, places = [], []
        for index, (dataset, count) in enumerate(zip(self.datasets, self._counts, strict=True)):
            size = len(dataset)
            start = epoch * count  # draws of this data set in the epochs before
            passes = [
                np.random.default_rng([seed, index, number]).permutation(size)
                if shuffle
                else np.arange(size)
                for number in range(start // size, (start + count - 1) // size + 1)
            ]
            items.append(self._ends[index] - size + np.concatenate(passes)[start % size :][:count])
            # One draw in each of `count` equal parts of the epoch, at a random position: as every
            # W-th draw goes to the same rank, a fixed period could give it one data set only.
            within = np.full(count, 0.5)
            if shuffle:
                within = np.random.default_rng([seed, index, epoch, 1]).random(count)
            places.append((np.arange(count) + within) / count)
        return np.concatenate(items)[np.argsort(np.concatenate(places), kind="stable")]

    def __len__(self) -> int:
        """Number of items of all data sets together."""
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> dict:
        """Return an item; a :class:`Draw` determines its augmentation."""
        if not 0 <= index < len(self):
            raise IndexError(f"MixedDataset: no item {index}, it has {len(self)}")
        which = int(np.searchsorted(self._ends, index, side="right"))
        before = int(self._ends[which - 1]) if which else 0
        return self.datasets[which][index - before]
