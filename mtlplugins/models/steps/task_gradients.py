"""The tasks' gradients with respect to the parameters that they share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtlplugins.models.backbones.conditioned import Trunk
from mtlplugins.models.balancing.gradient_balancing import GradientBalancing


class TaskGradients:
    """Separate gradients of the tasks on the shared parameters, replaced by one for all.

    Gradients that the parameters have from before, of the batches accumulated so far, are kept and
    added to at the end.

    Args:
        parameters: The shared ones.
        tasks: The number of tasks.
        shared: What the encoder has computed up to its branch point.
        leaves: The same, detached, where the tasks' gradients arrive.
    """

    def __init__(
        self, parameters: Sequence[nn.Parameter], tasks: int, shared: Trunk, leaves: Trunk
    ) -> None:
        self._parameters = [p for p in parameters if p.requires_grad]
        self._before = [p.grad for p in self._parameters]
        self._drop()
        first = self._parameters[0]
        size = sum(p.numel() for p in self._parameters)
        self._rows = torch.zeros(tasks, size, dtype=first.dtype, device=first.device)
        pairs = zip((shared.x, *shared.maps), (leaves.x, *leaves.maps), strict=True)
        self._pairs = [
            (x, leaf) for x, leaf in pairs if x is not None and leaf is not None and x.requires_grad
        ]

    def take(self, task: int) -> None:
        """Take the gradient that the task of this number has just left."""
        reached = [(x, leaf.grad) for x, leaf in self._pairs if leaf.grad is not None]
        if reached:
            outputs, gradients = zip(*reached, strict=True)
            # autocast is for forward passes, also where the backward pass is within one
            with torch.autocast(outputs[0].device.type, enabled=False):
                torch.autograd.backward(outputs, gradients, retain_graph=True)
        for _, leaf in self._pairs:
            leaf.grad = None
        for part, p in zip(self._parts(self._rows[task]), self._parameters, strict=True):
            if p.grad is not None:
                part.copy_(p.grad)
        self._drop()

    def put_back(self, balancing: GradientBalancing) -> None:
        """Give the parameters the combined gradient."""
        combined = balancing.combine(self._rows)
        parts = self._parts(combined)
        for part, p, before in zip(parts, self._parameters, self._before, strict=True):
            p.grad = part.clone() if before is None else before + part

    def _parts(self, row: Tensor) -> list[Tensor]:
        """Cut a row (P,) into views in the shapes of the parameters."""
        parts = row.split([p.numel() for p in self._parameters])
        return [part.view_as(p) for part, p in zip(parts, self._parameters, strict=True)]

    def _drop(self) -> None:
        for p in self._parameters:
            p.grad = None
