"""Deterministic draws: a draw's augmentation depends only on the seed and the draw's number.

With MMEngine alone, workers get the same seeds in every epoch, so augmentation repeats itself, and
it depends on the number of workers. Here the sampler numbers its draws, and the data set seeds the
random generators for each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from mmseg.registry import DATA_SAMPLERS
from torch.utils.data import Sampler


class Draw(int):
    """An index into a data set that carries the seed and the number of its draw.

    Wrappers compute the index of an item in the data set that they wrap by ``-``
    (``ConcatDataset``) or ``%`` (``RepeatDataset``); both return a draw.
    """

    seed: int
    number: int

    def __new__(cls, index: int, *, seed: int, number: int) -> Draw:
        draw = super().__new__(cls, index)
        draw.seed = seed
        draw.number = number
        return draw

    def __sub__(self, offset: int) -> Draw:
        return Draw(int(self) - offset, seed=self.seed, number=self.number)

    def __mod__(self, size: int) -> Draw:
        return Draw(int(self) % size, seed=self.seed, number=self.number)

    def __reduce__(self) -> tuple:
        # for pickling to a worker: int's own way would lose the attributes
        return _restore, (int(self), self.seed, self.number)


def _restore(index: int, seed: int, number: int) -> Draw:
    return Draw(index, seed=seed, number=number)


@DATA_SAMPLERS.register_module()
class DrawSampler(Sampler):
    """Sampler of numbered draws, with a new order in each epoch.

    Epoch e of a data set of N items has the draws e·N … e·N + N - 1, in an order that depends only
    on (seed, e); each of W ranks takes every W-th of them, and N is rounded up to a multiple of W.
    The items drawn and their augmentation are therefore reproducible: they do not depend on the
    number of workers or on what ran before. A data set with a ``draw_order``, such as
    :class:`MixedDataset`, determines itself the items of an epoch and their order.

    Args:
        dataset: The data set.
        seed: Seed of the run; None to let the ranks agree on a random one.
        shuffle: Whether to shuffle each epoch.
        endless: Whether to continue with the next epoch, for iteration-based loops.
    """

    def __init__(
        self,
        dataset: Sized,
        *,
        seed: int | None = None,
        shuffle: bool = True,
        endless: bool = False,
    ) -> None:
        self.rank, self.world_size = get_dist_info()
        self.dataset = dataset
        self.seed = sync_random_seed() if seed is None else seed
        self.shuffle = shuffle
        self.endless = endless
        self.epoch = 0
        self.size = len(self._order(0))
        self._start = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next draws; MMEngine calls it."""
        self.epoch = epoch

    def start_at(self, draws: int) -> None:
        """Skip this rank's first ``draws`` draws of the next iteration over this sampler.

        Nothing is read or drawn for them, so the cost does not depend on their number.
        """
        self._start = draws

    def _order(self, epoch: int) -> np.ndarray:
        draw_order = getattr(self.dataset, "draw_order", None)
        if draw_order is not None:
            return draw_order(self.seed, epoch, shuffle=self.shuffle)
        size = len(self.dataset)
        if self.shuffle:
            return np.random.default_rng([self.seed, epoch]).permutation(size)
        return np.arange(size)

    def _epoch(self, epoch: int, start: int) -> Iterator[Draw]:
        order = self._order(epoch)
        # all ranks get equally many: if W does not divide the size, the first draws come again
        padded = len(self) * self.world_size
        for position in range(self.rank + start * self.world_size, padded, self.world_size):
            yield Draw(
                int(order[position % self.size]), seed=self.seed, number=epoch * padded + position
            )

    def __iter__(self) -> Iterator[Draw]:
        epoch, start, self._start = self.epoch, self._start, 0
        if self.endless:
            passed, start = divmod(start, len(self))
            epoch += passed
        yield from self._epoch(epoch, start)
        while self.endless:
            epoch += 1
            yield from self._epoch(epoch, 0)

    def __len__(self) -> int:
        """Draws of this rank per epoch."""
        return -(-self.size // self.world_size)
