"""Task embedding: one learned vector per task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mtlplugins.common.notice import Notice


class TaskEmbedding(nn.Module):
    """One learned vector ``z`` per task, initialised from N(0, 0.02²).

    Each task has a parameter of its own, not a row of a matrix, so that it can be frozen, added or
    removed by name. A task missing from a checkpoint starts from the mean of the checkpoint's
    vectors or, with a global vector, from that vector. Checkpoints with and without a global vector
    load into both; every ``z`` of the checkpoint keeps its value.

    Args:
        tasks: Names of the tasks.
        embed_dims: Length of ``z``.
        with_global: Whether ``z`` is the sum of the task's own vector and a global vector that all
            tasks share and that a task added later starts from.
    """

    def __init__(self, tasks: Sequence[str], embed_dims: int, *, with_global: bool = False) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.vectors = nn.ParameterDict({t: nn.Parameter(torch.empty(embed_dims)) for t in tasks})
        self.shared = nn.Parameter(torch.empty(embed_dims)) if with_global else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise all vectors at random."""
        for vector in self.parameters():
            nn.init.normal_(vector, std=0.02)

    def __getitem__(self, task: str) -> Tensor:
        """Return the embedding of one task (embed_dims,)."""
        own = self.vectors[task]
        return own if self.shared is None else own + self.shared

    def sources(self, tasks: Sequence[str]) -> tuple[Tensor, ...]:
        """Return the parameters that the embeddings of the named tasks depend on."""
        own = tuple(self.vectors[task] for task in tasks)
        return own if self.shared is None else (*own, self.shared)

    def forward(self, tasks: Sequence[str]) -> Tensor:
        """Return the embeddings of the named tasks (T, embed_dims)."""
        return torch.stack([self[task] for task in tasks])

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        own, common = f"{prefix}vectors.", f"{prefix}shared"
        vectors = {k.removeprefix(own): v for k, v in state_dict.items() if k.startswith(own)}
        if vectors:
            shared = state_dict.pop(common, None)
            if self.shared is None:
                if shared is not None:
                    vectors = {task: vector + shared for task, vector in vectors.items()}
                start = _mean(vectors)
            else:
                if shared is None:
                    shared = _mean(vectors)
                    vectors = {task: vector - shared for task, vector in vectors.items()}
                state_dict[common] = shared
                start = torch.zeros_like(shared)
            for task in self.tasks:
                if task not in vectors:
                    _log_start(task, "global vector" if self.shared is not None else "others' mean")
            state_dict |= {own + task: vectors.get(task, start) for task in {*self.tasks, *vectors}}
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _mean(vectors: dict[str, Tensor]) -> Tensor:
    return torch.stack([*vectors.values()]).mean(dim=0)


def _log_start(task: str, start: str) -> None:
    print_log(
        Notice(f"task {task!r} is new to the checkpoint: its embedding starts from the {start}"),
        logger="current",
    )
