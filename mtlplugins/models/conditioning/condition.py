"""What the conditioned part of an encoder is told about its rows."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Condition:
    """Task embeddings and, for each (image, task) row, its image and its task.

    Rows are task-major: all rows of the first task, then all of the second, and so on. So whatever
    depends on the embedding alone is computed T times, not R times.

    Attributes:
        z: Embeddings (T, embed_dims) of the tasks that have rows.
        image_index: Image of each row (R,), int64.
        task_index: Task of each row (R,), int64, an index into ``z``, ascending.
        rows_per_task: Number of rows of each of the T tasks.
    """

    z: Tensor
    image_index: Tensor
    task_index: Tensor
    rows_per_task: tuple[int, ...]

    def branch(self, x: Tensor) -> Tensor:
        """Turn images into rows: (B, ...) to (R, ...)."""
        return x.index_select(0, self.image_index)

    def per_row(self, x: Tensor) -> Tensor:
        """Hand each row the value of its task: (T, ...) to (R, ...)."""
        return x.index_select(0, self.task_index)

    def scaled(self, x: Tensor, per_task: Tensor) -> Tensor:
        """Scale the channels of rows ``x`` (R, ..., C) by the values of their tasks (T, C)."""
        rows = self.per_row(per_task)
        return x * rows.view(-1, *[1] * (x.dim() - 2), rows.shape[-1])

    def pair(self, x: Tensor, per_task: Tensor) -> tuple[Tensor, Tensor]:
        """Shape rows ``x`` (R, ...) and values of the tasks (T, ...) so that they broadcast.

        The values are not copied per row where all tasks have equally many rows.

        Returns:
            (T, R/T, ...) and (T, 1, ...), or where that is impossible (R, ...) and (R, ...).
        """
        counts = self.rows_per_task
        if all(count == counts[0] for count in counts):  # an exported graph's cannot be hashed
            return x.unflatten(0, (len(counts), -1)), per_task.unsqueeze(1)
        return x, self.per_row(per_task)
