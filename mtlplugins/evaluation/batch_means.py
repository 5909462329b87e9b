"""Means over small batches, as papers report them beside or instead of pooled figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from mmengine.dist import all_reduce
from torch import Tensor


class BatchMeans:
    """Means of a metric's results over batches of two images.

    Papers that train on NYUv2 with 13 classes test in batches of two: they pool the valid pixels of
    a batch, and average its results over the batches (Liu et al. 2019, arXiv:1803.10704; Navon et
    al. 2022, arXiv:2202.01017; in their code). A batch counts as much as any other, however many
    valid pixels it has.

    A batch is two consecutive images, whatever the batch size of the data loader; the last may be
    one. Batches without anything to score are left out. With several processes, a batch is two
    consecutive images of one process, so that the means depend a little on their number.

    Args:
        names: The results to average.
        compute: Function of the sums of a batch to its results by name.
    """

    def __init__(self, names: Sequence[str], compute: Callable[[Tensor], dict[str, float]]) -> None:
        self._names = tuple(names)
        self._compute = compute
        self._first: Tensor | None = None  # of a batch that lacks its second image
        self._total = torch.zeros(1 + len(names), dtype=torch.float64)

    def add(self, sums: Tensor) -> None:
        """Add the sums of the next image; [0] counts what was scored."""
        if self._first is None:
            self._first = sums
        else:
            self._total += self._results(self._first + sums)
            self._first = None

    def means(self) -> dict[str, float]:
        """Compute the means over the batches of all processes; NaN if there are none."""
        total = self._total
        if self._first is not None:
            total = total + self._results(self._first)
        all_reduce(total)
        means = total[1:] / total[0] if total[0] > 0 else total[1:].fill_(torch.nan)
        return dict(zip(self._names, means.tolist(), strict=True))

    def _results(self, sums: Tensor) -> Tensor:
        """Return 1 and the results of a batch; zeros if it has nothing to score."""
        if sums[0] == 0:
            return torch.zeros_like(self._total)
        found = self._compute(sums)
        return torch.tensor([1.0, *(found[name] for name in self._names)], dtype=torch.float64)
