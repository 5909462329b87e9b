"""The learned vector of each task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn


class TaskEmbedding(nn.Module):
    """One learned vector ``z`` per task, N(0, 0.02) at the start.

    A parameter per task and not one matrix, so that a task can be frozen, added or left out by its
    name. A task that a checkpoint does not know starts from the mean of those that it knows; with a
    global vector, from that vector. A checkpoint without a global vector loads into an embedding
    with one, and the other way round: every known ``z`` stays what it was.

    Args:
        tasks: Names of the tasks.
        embed_dims: Length of ``z``.
        with_global: Whether ``z`` is the sum of the task's own vector and of one that all tasks
            share, which learns what a task not yet known can start from.
    """

    def __init__(self, tasks: Sequence[str], embed_dims: int, *, with_global: bool = False) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.vectors = nn.ParameterDict({t: nn.Parameter(torch.empty(embed_dims)) for t in tasks})
        self.shared = nn.Parameter(torch.empty(embed_dims)) if with_global else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all vectors anew."""
        for vector in self.parameters():
            nn.init.normal_(vector, std=0.02)

    def __getitem__(self, task: str) -> Tensor:
        """Embed one task: (embed_dims,)."""
        own = self.vectors[task]
        return own if self.shared is None else own + self.shared

    def sources(self, tasks: Sequence[str]) -> tuple[Tensor, ...]:
        """List the parameters that the embeddings of the named tasks are made of."""
        own = tuple(self.vectors[task] for task in tasks)
        return own if self.shared is None else (*own, self.shared)

    def forward(self, tasks: Sequence[str]) -> Tensor:
        """Embed the named tasks: (T, embed_dims)."""
        return torch.stack([self[task] for task in tasks])

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        own, common = f"{prefix}vectors.", f"{prefix}shared"
        vectors = {k.removeprefix(own): v for k, v in state_dict.items() if k.startswith(own)}
        if vectors:
            shared = state_dict.pop(common, None)
            if self.shared is None and shared is not None:
                vectors = {task: vector + shared for task, vector in vectors.items()}
            if self.shared is not None and shared is None:
                shared = _mean(vectors)
                vectors = {task: vector - shared for task, vector in vectors.items()}
            if self.shared is not None:
                state_dict[common] = shared
            start = _mean(vectors) if self.shared is None else torch.zeros_like(shared)
            for task in self.tasks:
                if task not in vectors:
                    _log_start(task, "global vector" if self.shared is not None else "others' mean")
            state_dict |= {own + task: vectors.get(task, start) for task in {*self.tasks, *vectors}}
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _mean(vectors: dict[str, Tensor]) -> Tensor:
    return torch.stack([*vectors.values()]).mean(dim=0)


def _log_start(task: str, start: str) -> None:
    print_log(
        f"task {task!r} is new to the checkpoint: its embedding starts from the {start}",
        logger="current",
    )
