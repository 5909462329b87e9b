"""Condition: task embeddings and row indices that a conditioned encoder gets with its input."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Condition:
    """Task embeddings and, for each (image, task) row, the indices of its image and task.

    Rows are task-major: all rows of the first task, then all rows of the second, and so on. Values
    that depend only on the embedding are therefore computed T times, not R times.

    Attributes:
        z: Embeddings (T, embed_dims) of the tasks that have rows.
        image_index: Index of the image of each row (R,), int64.
        task_index: Index into ``z`` of the task of each row (R,), int64, ascending.
        rows_per_task: Number of rows of each of the T tasks.
    """

    z: Tensor
    image_index: Tensor
    task_index: Tensor
    rows_per_task: tuple[int, ...]

    def branch(self, x: Tensor) -> Tensor:
        """Expand images to rows: (B, ...) to (R, ...)."""
        return x.index_select(0, self.image_index)

    def per_row(self, x: Tensor) -> Tensor:
        """Expand values per task to values per row: (T, ...) to (R, ...)."""
        return x.index_select(0, self.task_index)

    def scaled(self, x: Tensor, per_task: Tensor) -> Tensor:
        """Scale the channels of rows ``x`` (R, ..., C) by the factors of their tasks (T, C)."""
        rows = self.per_row(per_task)
        return x * rows.view(-1, *[1] * (x.dim() - 2), rows.shape[-1])

    def pair(self, x: Tensor, per_task: Tensor) -> tuple[Tensor, Tensor]:
        """Reshape rows ``x`` (R, ...) and values per task (T, ...) so that they broadcast.

        If all tasks have the same number of rows, the values are not copied per row.

        Returns:
            (T, R/T, ...) and (T, 1, ...) in that case, else (R, ...) and (R, ...).
        """
        counts = self.rows_per_task
        if all(count == counts[0] for count in counts):  # not a set: symbolic counts have no hash
            return x.unflatten(0, (len(counts), -1)), per_task.unsqueeze(1)
        return x, self.per_row(per_task)
