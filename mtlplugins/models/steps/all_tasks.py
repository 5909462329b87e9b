"""The training step that runs all tasks together."""

from __future__ import annotations

from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.common.private import run_forward


@MODELS.register_module()
class AllTasks:
    """One forward pass over the rows of all tasks, one backward pass of the weighted total."""

    shardable = True

    def check(self, model: nn.Module) -> None:
        """Take any model."""

    def __call__(
        self, network: nn.Module, data: Any, optim_wrapper: OptimWrapper
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Train on one batch.

        Args:
            network: A :class:`MultiTaskModel`, or the DDP wrapper around it.
            data: A batch as the data loader gives it.
            optim_wrapper: Runs the backward pass and, if it is due, updates the weights.

        Returns:
            The total that was minimised, and what is logged.
        """
        model = network.module if is_model_wrapper(network) else network
        with optim_wrapper.optim_context(network):
            data = model.data_preprocessor(data, True)
            losses = run_forward(network, data, mode="loss")
        total, logged = model.parse_losses(losses)
        optim_wrapper.update_params(total)
        return total, logged
