"""Rows: the (image, task) pairs of a batch that the conditioned part of the encoder computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor

from mtlplugins.common.text import few
from mtlplugins.structures import MultiTaskDataSample

from .conditioning import Condition

#: Function of the names of tasks to their embeddings (T, embed_dims), such as a ``TaskEmbedding``.
Embedding = Callable[[Sequence[str]], Tensor]


@dataclass(frozen=True)
class Rows:
    """The (image, task) rows of a batch, task-major, in the model's order of tasks.

    Attributes:
        images: Indices of the images of each task that has rows, ascending.
        num_images: Number of images B in the batch.
        embedding: Function of tasks to their embeddings (T, embed_dims), for these rows in place of
            the model's; None for the model's.
    """

    images: dict[str, list[int]]
    num_images: int
    embedding: Embedding | None = None

    @classmethod
    def with_targets(
        cls,
        tasks: Sequence[str],
        samples: Sequence[MultiTaskDataSample],
        *,
        others: Sequence[str] = (),
    ) -> Rows:
        """Make a row for each (image, task) pair that has a target.

        Args:
            tasks: Tasks that get rows.
            samples: The images of a batch.
            others: Tasks whose targets get no rows; a batch with those alone has no rows.

        Raises:
            ValueError: No image has a target of any of the tasks, including the others.
        """
        images = {
            task: [i for i, sample in enumerate(samples) if f"gt_{task}" in sample]
            for task in (*tasks, *others)
        }
        if not any(images.values()):
            names = [str(sample.get("img_path", "?")) for sample in samples]
            raise ValueError(
                f"no image of this batch has a target of the model's tasks {', '.join(images)}: "
                f"{few(names, 4)}. Check the data set's targets, or leave images without any "
                "target out of its split file"
            )
        return cls({task: images[task] for task in tasks if images[task]}, len(samples))

    @classmethod
    def asked_for(
        cls, tasks: Sequence[str], num_images: int, embedding: Embedding | None = None
    ) -> Rows:
        """Make a row for each image and each of the tasks."""
        return cls({task: list(range(num_images)) for task in tasks}, num_images, embedding)

    def only(self, task: str) -> Rows:
        """Return the rows of one task alone."""
        images = {t: images for t, images in self.images.items() if t == task}
        return replace(self, images=images)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have rows."""
        return tuple(self.images)

    @property
    def _image_index(self) -> list[int]:
        return [*chain.from_iterable(self.images.values())]

    def branch(self, maps: Sequence[Tensor], shared_maps: int) -> list[Tensor]:
        """Expand the first ``shared_maps`` maps from images to rows: (B, …) to (R, …)."""
        index = _to_device(self._image_index, maps[0].device)
        return [x[index] if i < shared_maps else x for i, x in enumerate(maps)]

    def condition(self, embedding: Embedding) -> Condition:
        """Make the condition of a conditioned encoder for these rows."""
        z = (self.embedding or embedding)(tuple(self.images))
        device = z.device
        counts = tuple(map(len, self.images.values()))
        image_index = _to_device(self._image_index, device)
        task_index = _to_device(
            [task for task, count in enumerate(counts) for _ in range(count)], device
        )
        return Condition(z, image_index, task_index, counts)

    def features(self, maps: Sequence[Tensor], task: str, shared_maps: int) -> list[Tensor]:
        """Select the maps of one task.

        Args:
            maps: The encoder's maps: (B, C, H, W) before the branch point, (R, C, H, W) after it.
            task: A task that has rows.
            shared_maps: Number of maps before the branch point.

        Returns:
            The maps (n, C, H, W) of this task's n images.
        """
        own = self.images[task]
        index = _to_device(own, maps[0].device)
        start = 0
        for other, images in self.images.items():
            if other == task:
                break
            start += len(images)
        picked = []
        for i, x in enumerate(maps):
            if i >= shared_maps:
                x = x[start : start + len(own)]
            elif len(own) < self.num_images:
                x = x[index]
            picked.append(x)
        return picked


def _to_device(indices: list[int], device: torch.device) -> Tensor:
    """Copy indices to a device as int64, without waiting for what a GPU still computes."""
    return torch.tensor(indices, dtype=torch.int64).to(device, non_blocking=True)
