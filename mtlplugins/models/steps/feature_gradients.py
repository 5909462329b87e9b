"""The tasks' gradients with respect to the maps at the branch point."""

from __future__ import annotations

import torch
from torch import Tensor

from mtlplugins.models.backbones.conditioned import Trunk
from mtlplugins.models.balancing.gradient_balancing import GradientBalancing

from .branch import pairs, replayed


class FeatureGradients:
    """Takes the gradient of each task at the shared maps, and puts one for all back.

    The processes have different images, so each combines its own columns, by weights that are the
    same in all; DDP then averages the gradients of the parameters.

    Args:
        tasks: The number of tasks.
        shared: What the encoder has computed up to its branch point.
        leaves: The same, detached, where the tasks' gradients arrive.

    Raises:
        ValueError: Nothing before the branch point is trained.
    """

    def __init__(self, tasks: int, shared: Trunk, leaves: Trunk) -> None:
        self._shared, self._leaves = shared, leaves
        self._maps = [leaf for _, leaf in pairs(shared, leaves)]
        if not self._maps:
            raise ValueError(
                "model.balancing.at='features': no part of the encoder before the branch point is "
                "trained; take at='parameters', or another backbone.plan"
            )
        size = sum(leaf.numel() for leaf in self._maps)
        # float32 or float64, also where autocast made the maps bfloat16
        dtype = torch.promote_types(self._maps[0].dtype, torch.float32)
        self._rows = torch.zeros(tasks, size, dtype=dtype, device=self._maps[0].device)

    def take(self, task: int) -> None:
        """Take the gradient that the task of this number has just left."""
        for part, leaf in zip(self._parts(self._rows[task]), self._maps, strict=True):
            if leaf.grad is not None:
                part.copy_(leaf.grad)
            leaf.grad = None

    def put_back(self, balancing: GradientBalancing, total: Tensor) -> Tensor:
        """Give ``total`` a backward pass that takes the combined gradient to the shared part."""
        for part, leaf in zip(self._parts(balancing.combine(self._rows)), self._maps, strict=True):
            leaf.grad = part.to(leaf.dtype)
        return replayed(total, self._shared, self._leaves)

    def _parts(self, row: Tensor) -> list[Tensor]:
        """Cut a row into views in the shapes of the maps."""
        parts = row.split([leaf.numel() for leaf in self._maps])
        return [part.view(leaf.shape) for part, leaf in zip(parts, self._maps, strict=True)]
