"""Dynamic weight average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmseg.registry import MODELS
from torch import Tensor

from .base import check_positive
from .loss_balancing import LossBalancing, softmax_of_present


@MODELS.register_module()
class DWA(LossBalancing):
    """The slower a loss falls, the more it counts: n · softmax(r / temperature) over n tasks.

    ``r`` is a task's mean loss over the last interval, divided by that over the one before; 1 until
    there are two. Liu et al. 2019 (arXiv:1803.10704), whose interval is an epoch. The means are
    buffers, so a resumed run continues with them.

    Args:
        tasks: See :class:`LossBalancing`.
        interval: Training steps of an interval, such as those of an epoch.
        temperature: The larger, the more equal the weights.
        task_weights: See :class:`LossBalancing`.

    Raises:
        ValueError: ``interval`` or ``temperature`` is not above 0, or there are fewer than two
            tasks.
    """

    steps: Tensor
    sums: Tensor
    counts: Tensor
    means: Tensor
    means_before: Tensor

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        interval: int,
        temperature: float = 2.0,
        task_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(tasks, task_weights=task_weights)
        check_positive(self, interval=interval, temperature=temperature)
        self.interval = interval
        self.temperature = temperature
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        # float64, or sums over an epoch lose the digits of single losses; 0 is "no loss yet"
        for name in ("sums", "counts", "means", "means_before"):
            self.register_buffer(name, torch.zeros(len(self.tasks), dtype=torch.float64))

    def weights(self, losses: Tensor, present: Tensor) -> Tensor:
        """Compute the weights by the intervals that are over, and add the losses to this one."""
        known = self.means_before != 0
        rates = torch.where(known, self.means / self.means_before, 1.0)
        weights = present.sum() * softmax_of_present(rates / self.temperature, present)
        if self.training:
            self._add(losses, present)
        return weights.to(losses.dtype)

    def _add(self, losses: Tensor, present: Tensor) -> None:
        self.sums += losses * present
        self.counts += present
        self.steps += 1
        over = self.steps % self.interval == 0  # stays on the device, so that nothing waits for it
        new = over & (self.counts > 0)
        self.means_before.copy_(torch.where(new, self.means, self.means_before))
        self.means.copy_(torch.where(new, self.sums / self.counts.clamp(min=1), self.means))
        self.sums.masked_fill_(over, 0.0)
        self.counts.masked_fill_(over, 0.0)
