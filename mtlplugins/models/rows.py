"""Rows: the (image, task) pairs of a batch that the conditioned part of the encoder computes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from mtlplugins.common.text import few
from mtlplugins.structures import MultiTaskDataSample

from .conditioning import Condition

#: Function of the names of tasks to their embeddings (T, embed_dims), such as a ``TaskEmbedding``.
Embedding = Callable[[Sequence[str]], Tensor]


class Rows(ABC):
    """The (image, task) rows of a batch, task-major, in the model's order of tasks.

    Attributes:
        tasks: The tasks that have rows.
        num_images: Number of images B in the batch.
        embedding: Embeddings to use in place of the model's; None for the model's.
    """

    tasks: tuple[str, ...]
    num_images: int
    embedding: Embedding | None = None

    def branch(self, maps: Sequence[Tensor], shared_maps: int) -> list[Tensor]:
        """Expand the first ``shared_maps`` maps from images to rows: (B, …) to (R, …)."""
        index, _ = self._indices(maps[0].device)
        return [x[index] if i < shared_maps else x for i, x in enumerate(maps)]

    def condition(self, embedding: Embedding) -> Condition:
        """Make the condition of a conditioned encoder for these rows."""
        z = (self.embedding or embedding)(self.tasks)
        return Condition(z, *self._indices(z.device), self._counts)

    @abstractmethod
    def features(self, maps: Sequence[Tensor], task: str, shared_maps: int) -> list[Tensor]:
        """Select the maps of one task.

        Args:
            maps: The encoder's maps: (B, C, H, W) before the branch point, (R, C, H, W) after it.
            task: A task that has rows.
            shared_maps: Number of maps before the branch point.

        Returns:
            The maps (n, C, H, W) of this task's n images.
        """

    @abstractmethod
    def spread(self, x: Tensor, task: str) -> Tensor:
        """Put the rows of one task (n, …) in the places of their images (B, …), 0 elsewhere."""

    @abstractmethod
    def pick(self, x: Tensor, task: str) -> Tensor:
        """Pick the rows of one task (n, …) from the images (B, …); undoes :meth:`spread`."""

    @abstractmethod
    def present(self, tasks: Sequence[str], device: torch.device) -> Tensor | None:
        """Return which of these tasks each image has a row of, bool (B, T); None for all."""

    @property
    @abstractmethod
    def _counts(self) -> tuple[int, ...]:
        """The number of rows of each task."""

    @abstractmethod
    def _indices(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the index of the image, and of the task, of each row: (R,), int64."""


@dataclass
class AllRows(Rows):
    """A row for each image and each task, in traceable operations for a batch of any size.

    Attributes:
        tasks: The tasks.
        num_images: Number of images B in the batch; while tracing, a tensor that stands for it.
        embedding: Embeddings to use in place of the model's; None for the model's.
    """

    tasks: tuple[str, ...]
    num_images: int
    embedding: Embedding | None = None

    def features(self, maps: Sequence[Tensor], task: str, shared_maps: int) -> list[Tensor]:
        """Select the maps of one task, the same images for each."""
        which = self.tasks.index(task)
        return [
            x if i < shared_maps else x.unflatten(0, (len(self.tasks), -1))[which]
            for i, x in enumerate(maps)
        ]

    def spread(self, x: Tensor, task: str) -> Tensor:
        """Return ``x``: each image has a row."""
        return x

    def pick(self, x: Tensor, task: str) -> Tensor:
        """Return ``x``: each image has a row."""
        return x

    def present(self, tasks: Sequence[str], device: torch.device) -> None:
        """Return None: each image has a row of each task."""

    @property
    def _counts(self) -> tuple[int, ...]:
        return (self.num_images,) * len(self.tasks)

    def _indices(self, device: torch.device) -> tuple[Tensor, Tensor]:
        tasks = torch.arange(len(self.tasks), device=device)
        images = torch.arange(self.num_images, device=device)
        return images.repeat(len(self.tasks)), tasks[:, None].expand(-1, self.num_images).flatten()


@dataclass
class SomeRows(Rows):
    """Rows of some of the images, which may differ from task to task.

    The number of rows depends on the data, so a traced graph would be tied to one batch.

    Attributes:
        images: Indices of the images of each task that has rows, ascending.
        num_images: Number of images B in the batch.
    """

    images: dict[str, list[int]]
    num_images: int

    def __post_init__(self) -> None:
        self.tasks = tuple(self.images)

    @classmethod
    def with_targets(
        cls,
        tasks: Sequence[str],
        samples: Sequence[MultiTaskDataSample],
        *,
        others: Sequence[str] = (),
    ) -> SomeRows:
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

    def only(self, task: str) -> SomeRows:
        """Return the rows of one task alone."""
        images = {t: indices for t, indices in self.images.items() if t == task}
        return SomeRows(images, self.num_images)

    def features(self, maps: Sequence[Tensor], task: str, shared_maps: int) -> list[Tensor]:
        """Select the maps of the images that have a target of one task."""
        own = self.images[task]
        index = to_device(own, maps[0].device)
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

    def spread(self, x: Tensor, task: str) -> Tensor:
        """Put the rows of one task in the places of their images."""
        own = self.images[task]
        if len(own) == self.num_images:  # ascending, so all images in order
            return x
        empty = x.new_zeros(self.num_images, *x.shape[1:])
        return empty.index_copy(0, to_device(own, x.device), x)

    def pick(self, x: Tensor, task: str) -> Tensor:
        """Pick the rows of one task from the images."""
        own = self.images[task]
        return x if len(own) == self.num_images else x[to_device(own, x.device)]

    def present(self, tasks: Sequence[str], device: torch.device) -> Tensor | None:
        """Return which of these tasks each image has a row of."""
        images = [self.images[task] for task in tasks]
        if all(len(own) == self.num_images for own in images):
            return None
        table = [[i in own for own in images] for i in range(self.num_images)]
        return torch.tensor(table).to(device, non_blocking=True)

    @property
    def _counts(self) -> tuple[int, ...]:
        return tuple(map(len, self.images.values()))

    def _indices(self, device: torch.device) -> tuple[Tensor, Tensor]:
        images = [*chain.from_iterable(self.images.values())]
        tasks = [task for task, count in enumerate(self._counts) for _ in range(count)]
        return to_device(images, device), to_device(tasks, device)


def to_device(values: list, device: torch.device, dtype: torch.dtype = torch.int64) -> Tensor:
    """Copy numbers to a device, by default indices, without waiting for what a GPU computes."""
    return torch.tensor(values, dtype=dtype).to(device, non_blocking=True)
