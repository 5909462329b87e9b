"""Rows of all images and tasks in traceable tensor operations, for a batch of any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .conditioning import Condition, TaskEmbedding


@dataclass(frozen=True)
class EveryRow:
    """Traceable form of ``Rows.asked_for``.

    :class:`Rows` counts in Python lists, so a graph traced with it would be tied to the batch size
    it was traced with.

    Attributes:
        tasks: The tasks.
        num_images: Number of images B in the batch; while tracing, a tensor that stands for it.
    """

    tasks: tuple[str, ...]
    num_images: int

    def branch(self, maps: Sequence[Tensor], shared_maps: int) -> list[Tensor]:
        """Expand the first ``shared_maps`` maps from images to rows: (B, …) to (R, …)."""
        index = self._image_index(maps[0].device)
        return [x[index] if i < shared_maps else x for i, x in enumerate(maps)]

    def condition(self, embedding: TaskEmbedding) -> Condition:
        """Make the condition of a conditioned encoder for these rows."""
        z = embedding(self.tasks)
        tasks = torch.arange(len(self.tasks), device=z.device)
        task_index = tasks[:, None].expand(-1, self.num_images).flatten()
        counts = (self.num_images,) * len(self.tasks)
        return Condition(z, self._image_index(z.device), task_index, counts)

    def features(self, maps: Sequence[Tensor], task: str, shared_maps: int) -> list[Tensor]:
        """Select the maps (B, C, H, W) of one task; see :meth:`Rows.features`."""
        which = self.tasks.index(task)
        return [
            x if i < shared_maps else x.unflatten(0, (len(self.tasks), -1))[which]
            for i, x in enumerate(maps)
        ]

    def _image_index(self, device: torch.device) -> Tensor:
        return torch.arange(self.num_images, device=device).repeat(len(self.tasks))
