"""Metrics over batches, and over ranks simulated by threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from mtlplugins.evaluation import TaskMetric, task_metric


def in_batches(make: Callable[[], TaskMetric], batches: Sequence[Sequence[dict]]) -> dict:
    """Score batches in one process."""
    metric = make()
    for batch in batches:
        metric.process(None, batch)
    return metric.evaluate(sum(map(len, batches)))


class Processes:
    """Processes that add tensors up, each a thread.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.rank = threading.local()
        self.tensors: list[Tensor | None] = [None] * count
        self.barrier = threading.Barrier(count, timeout=60)

    def all_reduce(self, tensor: Tensor) -> None:
        self.tensors[self.rank.value] = tensor.clone()
        self.barrier.wait()
        total = torch.stack(self.tensors).sum(dim=0)
        self.barrier.wait()
        tensor.copy_(total)

    def evaluate(
        self, make: Callable[[], TaskMetric], shares: Sequence[Sequence[dict]], size: int
    ) -> list[dict]:
        """Let each process score its share of ``size`` images, one image per batch."""
        found: list[dict | None] = [None] * self.count

        def work(rank: int) -> None:
            self.rank.value = rank
            try:
                metric = make()
                for sample in shares[rank]:
                    metric.process(None, [sample])
                found[rank] = metric.evaluate(size)
            except BaseException:
                self.barrier.abort()  # or the others would wait for it
                raise

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(task_metric, "all_reduce", self.all_reduce)
            patch.setattr(task_metric, "get_dist_info", lambda: (self.rank.value, self.count))
            threads = [threading.Thread(target=work, args=(r,)) for r in range(self.count)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return found
