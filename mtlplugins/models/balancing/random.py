"""Random weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmseg.registry import MODELS
from torch import Tensor

from .loss_balancing import LossBalancing, softmax_of_present


@MODELS.register_module()
class Random(LossBalancing):
    """Softmax of normal numbers, drawn anew in each step, over the present tasks.

    Random loss weighting (RLW), Lin et al. 2022 (arXiv:2111.10603): a litmus test for the other
    methods. The numbers depend on the run's seed and the number of the step alone, so they are the
    same in every process and after resuming.

    Args:
        tasks: See :class:`LossBalancing`.
        task_weights: See :class:`LossBalancing`.
    """

    seed: Tensor
    steps: Tensor

    def __init__(
        self, tasks: Sequence[str], *, task_weights: Mapping[str, float] | None = None
    ) -> None:
        super().__init__(tasks, task_weights=task_weights)
        # not drawn, or the method would change the weights that a model starts from
        self.register_buffer("seed", torch.tensor(torch.initial_seed() % 2**40))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def weights(self, losses: Tensor, present: Tensor) -> Tensor:
        """Draw on the CPU, whose numbers are those of every device."""
        generator = torch.Generator().manual_seed(int(self.seed + self.steps))
        drawn = torch.randn(len(losses), generator=generator).to(losses)
        if self.training:
            self.steps += 1
        return softmax_of_present(drawn, present)
