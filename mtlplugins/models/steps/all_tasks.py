"""Training step that runs all tasks together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.common.private import run_forward

if TYPE_CHECKING:
    from mtlplugins.models.multitask_model import MultiTaskModel


@MODELS.register_module()
class AllTasks:
    """One forward pass over the rows of all tasks, one backward pass of the weighted total."""

    shardable = True

    def check(self, model: MultiTaskModel) -> None:
        """Accept any model."""

    def __call__(
        self, network: nn.Module, data: Any, optim_wrapper: OptimWrapper
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Train on one batch.

        Args:
            network: A :class:`MultiTaskModel`, or the DDP wrapper around it.
            data: A batch of the data loader.
            optim_wrapper: Optimizer wrapper that runs the backward pass and updates the weights.

        Returns:
            The minimised total, and the values to log.
        """
        model = cast("MultiTaskModel", network.module if is_model_wrapper(network) else network)
        with optim_wrapper.optim_context(network):
            data = model.data_preprocessor(data, True)
            losses = run_forward(network, data, mode="loss")
        total, logged = model.parse_losses(losses)
        optim_wrapper.update_params(total)
        return total, logged
