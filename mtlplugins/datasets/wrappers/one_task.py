"""Data set of (image, task) pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from mtlplugins.datasets.draw_sampler import Draw
from mtlplugins.datasets.multitask import MultiTaskDataset


@DATASETS.register_module()
class OneTaskDataset(Dataset):
    """View of a data set in which every item has the target of one task only.

    The thesis's "different batch" mode (section 4.5.6): after shuffling, the tasks of an image are
    in different batches. There is one item per (image, target), sorted by image. To have as many
    rows in a step as in the same-batch mode, multiply the batch size by the number of tasks.

    Args:
        dataset: A :class:`MultiTaskDataset`, or its config.

    Raises:
        TypeError: ``dataset`` is not a ``MultiTaskDataset``.
    """

    #: A draw stays a draw on its way to the data set.
    keeps_draws = True

    def __init__(self, dataset: dict | MultiTaskDataset) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        if not isinstance(self.dataset, MultiTaskDataset):
            raise TypeError(
                f"OneTaskDataset: {type(self.dataset).__name__} is not a MultiTaskDataset; put "
                "OneTaskDataset inside of what wraps data sets, around each of them"
            )
        self.dataset.full_init()
        self.tasks = tuple(self.dataset.target_types)
        self._items = np.array(  # (items, 2): index of the image, index of the task
            [
                (image, self.tasks.index(task))
                for image in range(len(self.dataset))
                for task in self.dataset.tasks_of(image)
            ]
        )

    @property
    def metainfo(self) -> dict[str, Any]:
        """Description of each task, as the data set gives it."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        """Number of (image, target) combinations."""
        return len(self._items)

    def full_init(self) -> None:
        """Do nothing, as the data set is initialised; MMEngine's wrappers call it."""

    def get_cat_ids(self, index: int) -> list[tuple[str, str]]:
        """List the (task, class) pairs of an item, for MMEngine's ``ClassBalancedDataset``."""
        image, task = map(int, self._items[int(index)])
        return [pair for pair in self.dataset.get_cat_ids(image) if pair[0] == self.tasks[task]]

    def __getitem__(self, index: int) -> dict:
        """Load an image with one of its targets; a :class:`Draw` determines its augmentation."""
        image, task = map(int, self._items[int(index)])
        if isinstance(index, Draw):
            image = Draw(image, seed=index.seed, number=index.number)
        item = self.dataset[image]
        for other in self.tasks:
            if other != self.tasks[task]:
                item["data_samples"].pop(f"gt_{other}", None)
        return item
