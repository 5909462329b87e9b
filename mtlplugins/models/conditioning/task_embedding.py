"""The learned vector of each task."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class TaskEmbedding(nn.Embedding):
    """One learned vector ``z`` per task, N(0, 0.02) at the start.

    Args:
        tasks: Names of the tasks, in the order of the rows of ``weight``.
        embed_dims: Length of ``z``.
    """

    def __init__(self, tasks: Sequence[str], embed_dims: int) -> None:
        self.tasks = tuple(tasks)
        super().__init__(len(tasks), embed_dims)

    def reset_parameters(self) -> None:
        """Draw the embeddings anew."""
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, tasks: Sequence[str]) -> Tensor:
        """Look up the embeddings (T, embed_dims) of the named tasks."""
        index = [self.tasks.index(task) for task in tasks]
        return super().forward(torch.tensor(index, device=self.weight.device))
