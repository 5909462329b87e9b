"""The tasks' gradients with respect to the parameters that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from mmengine.dist import get_world_size, is_distributed
from torch import Tensor, nn

from mtlplugins.models.backbones.conditioned import Trunk
from mtlplugins.models.distributed.columns import columns_per_process, gather, scatter_mean

from .branch import pairs


class TaskGradients:
    """Separate gradients of the tasks on the shared parameters, replaced by one for all.

    Gradients that the parameters have from before, of the batches accumulated so far, are kept and
    added to at the end. With several processes, a row is averaged over them as soon as it is
    taken, and each process keeps its own columns alone.

    Args:
        modules: Those with the shared parameters.
        tasks: The number of tasks.
        shared: What the encoder has computed up to its branch point.
        leaves: The same, detached, where the tasks' gradients arrive.
    """

    def __init__(
        self, modules: Sequence[nn.Module], tasks: int, shared: Trunk, leaves: Trunk
    ) -> None:
        self._parameters = [p for m in modules for p in m.parameters() if p.requires_grad]
        inner = (m for module in modules for m in module.modules())
        norms = [m for m in inner if m.training and getattr(m, "track_running_stats", False)]
        self._statistics = [buffer for norm in norms for buffer in norm.buffers()]
        self._before = [p.grad for p in self._parameters]
        self._drop()
        first = self._parameters[0]
        size = columns_per_process(sum(p.numel() for p in self._parameters))
        self._own = torch.zeros(tasks, size, dtype=first.dtype, device=first.device)
        self._pairs = pairs(shared, leaves)

    def take(self, task: int) -> None:
        """Take the gradient that the task of this number has just left."""
        self._through_the_shared_part()
        alone = get_world_size() == 1
        own = self._own[task]
        row = own if alone else own.new_zeros(len(own) * get_world_size())
        for part, p in zip(self._parts(row), self._parameters, strict=True):
            if p.grad is not None:
                part.copy_(p.grad)
        if not alone:
            scatter_mean(row, own)
        self._drop()

    def put_back(self, combine: Callable[[Tensor], Tensor]) -> None:
        """Give the parameters the gradient that is combined of the rows (T, P), as (P,)."""
        parts = self._parts(gather(combine(self._own)))
        for part, p, before in zip(parts, self._parameters, self._before, strict=True):
            p.grad = part.clone() if before is None else before + part

    def _through_the_shared_part(self) -> None:
        """Take what has arrived at the leaves to the parameters before the branch point."""
        # all processes go, as synchronised norms wait for each other
        reached = [
            (x, leaf) for x, leaf in self._pairs if is_distributed() or leaf.grad is not None
        ]
        if reached:
            gradients = [
                torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for _, leaf in reached
            ]
            # recomputed activations would be counted once per task
            statistics = [buffer.clone() for buffer in self._statistics]
            # autocast is for forward passes, also where the backward pass is within one
            with torch.autocast(gradients[0].device.type, enabled=False):
                torch.autograd.backward([x for x, _ in reached], gradients, retain_graph=True)
            for buffer, value in zip(self._statistics, statistics, strict=True):
                buffer.data.copy_(value)  # the graph, which is kept, may not see it as a change
        for _, leaf in self._pairs:
            leaf.grad = None

    def _parts(self, row: Tensor) -> list[Tensor]:
        """Cut a row into views in the shapes of the parameters; the rest of it is padding."""
        sizes = [p.numel() for p in self._parameters]
        parts = row[: sum(sizes)].split(sizes)
        return [part.view_as(p) for part, p in zip(parts, self._parameters, strict=True)]

    def _drop(self) -> None:
        for p in self._parameters:
            p.grad = None
