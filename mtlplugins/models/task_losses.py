"""Raw losses of the tasks in a batch, before balancing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn

from mtlplugins.structures import MultiTaskDataSample

from .distributed.shares import process_shares
from .distributed.touch import touch
from .heads import TaskHead
from .rows import SomeRows


class TaskLosses:
    """Targets of a batch and the raw loss of each task.

    All ranks must create one per batch, with the same tasks, because the constructor exchanges the
    numbers of targets.

    Args:
        tasks: The trained tasks.
        heads: The head of each task.
        rows: The rows of this rank's batch; a task without targets has no rows, or an empty list of
            images.
        samples: The images of the batch.
        device: Device of the model.

    Attributes:
        shares: Factor of this rank's mean loss of each task in the mean over ranks; see
            :func:`process_shares`.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        heads: Mapping[str, TaskHead],
        rows: SomeRows,
        samples: Sequence[MultiTaskDataSample],
        device: torch.device,
    ) -> None:
        self._heads = heads
        self._samples = {task: [samples[i] for i in rows.images.get(task, ())] for task in tasks}
        self._targets = {
            task: [t for s in own if (t := s.target(task)) is not None]
            for task, own in self._samples.items()
        }
        self.shares = process_shares(heads, self._targets, device)

    def loss(
        self, task: str, logits: Tensor, own_modules: Sequence[nn.Module]
    ) -> dict[str, Tensor]:
        """Compute the loss of one task.

        Args:
            task: One of the tasks.
            logits: Logits of its n images; an empty tensor for a task without targets.
            own_modules: The modules that belong to this task only.

        Returns:
            ``<task>_loss``, the raw loss times this rank's share, and ``<task>_<figure>``. Without
            targets, a loss of 0 that reaches all parameters of the task's modules.

        Raises:
            ValueError: A target does not fit the head; the message names task and images.
        """
        head = self._heads[task]
        if not self._targets[task]:
            head.no_targets()
            # empty logits still connect to synchronised norms, which other ranks wait for
            return {f"{task}_loss": touch(*own_modules) + logits.sum()}
        try:
            found = head.loss(logits, self._targets[task])
        except ValueError as error:
            files = ", ".join(str(s.get("img_path", "?")) for s in self._samples[task])
            raise ValueError(f"task {task!r}: {error}; images: {files}") from error
        loss = self.shares[task] * found.pop("loss")
        return {f"{task}_loss": loss} | {f"{task}_{name}": value for name, value in found.items()}


def without_absent(
    logged: Mapping[str, Tensor], tasks: Sequence[str], samples: Sequence[MultiTaskDataSample]
) -> dict[str, Tensor]:
    """Leave out the losses of tasks that had no target in any rank.

    Logs show means over iterations, which zeros of absent tasks would lower: with depth in every
    fourth batch, to a quarter. For other ranks' targets, a loss of exactly 0 says that there were
    none, as in :meth:`Balancing.present`; it is read only where this rank has none itself.

    Args:
        logged: The values that a training step logs.
        tasks: The trained tasks.
        samples: The images of this rank's batch.
    """
    missing = [task for task in tasks if all(sample.target(task) is None for sample in samples)]
    alone = get_world_size() == 1
    absent = [task for task in missing if alone or not logged[f"{task}_loss"]]
    return {
        name: value for name, value in logged.items() if name not in {f"{t}_loss" for t in absent}
    }
