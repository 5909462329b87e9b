"""The loss of each task in a batch, before any weighting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mtlplugins.structures import MultiTaskDataSample

from .distributed.shares import process_shares
from .distributed.touch import touch
from .heads import TaskHead
from .rows import Rows


class TaskLosses:
    """The targets of a batch, and the loss of each task against them.

    All processes make one of each batch, with the same tasks: it exchanges the numbers of targets.

    Args:
        tasks: The tasks that are trained.
        heads: The head of each task.
        rows: The rows of this process's batch; a task without targets here has none, or none but
            an empty list of images.
        samples: The images of the batch.
        device: Where the model runs.

    Attributes:
        shares: The factor by which this process's mean loss of each task enters the mean over
            processes; see :func:`process_shares`.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        heads: Mapping[str, TaskHead],
        rows: Rows,
        samples: Sequence[MultiTaskDataSample],
        device: torch.device,
    ) -> None:
        self._heads = heads
        self._samples = {task: [samples[i] for i in rows.images.get(task, ())] for task in tasks}
        self._targets = {task: [s.target(task) for s in own] for task, own in self._samples.items()}
        self.shares = process_shares(heads, self._targets, device)

    def loss(
        self, task: str, logits: Tensor, own_modules: Sequence[nn.Module]
    ) -> dict[str, Tensor]:
        """Compute the loss of one task.

        Args:
            task: One of the tasks.
            logits: Of its n images; of a task without targets, any tensor without elements.
            own_modules: The modules that are the task's alone.

        Returns:
            ``<task>_loss``, the raw loss times this process's share, and ``<task>_<figure>``. Of a
            task without targets a loss of 0 that reaches all parameters of its modules.

        Raises:
            ValueError: A target does not fit the head; names the task and the images.
        """
        head = self._heads[task]
        if not self._targets[task]:
            head.no_targets()
            # logits of no image still lead back to norms that other processes wait for
            return {f"{task}_loss": touch(*own_modules) + logits.sum()}
        try:
            found = head.loss(logits, self._targets[task])
        except ValueError as error:
            files = ", ".join(str(s.get("img_path", "?")) for s in self._samples[task])
            raise ValueError(f"task {task!r}: {error}; images: {files}") from error
        loss = self.shares[task] * found.pop("loss")
        return {f"{task}_loss": loss} | {f"{task}_{name}": value for name, value in found.items()}
