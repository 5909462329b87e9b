"""Training step that runs all tasks together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.common.model_wrappers import unwrapped_model
from mtlplugins.common.private import run_forward
from mtlplugins.models.distributed.shares import mean_over_processes
from mtlplugins.models.task_losses import without_absent

if TYPE_CHECKING:
    from mtlplugins.models.multitask_model import MultiTaskModel


@MODELS.register_module()
class AllTasks:
    """One forward pass over the rows of all tasks, one backward pass of the weighted total."""

    def check(self, model: MultiTaskModel) -> None:
        """Check that the step can serve the balancing method.

        Raises:
            ValueError: The method combines gradients of the tasks.
        """
        if model.balancing.needs_gradients:
            raise ValueError(
                f"model.balancing={type(model.balancing).__name__} combines gradients of the tasks:"
                " take model.step=dict(type='TaskByTask'), which computes them one by one"
            )

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
        model: MultiTaskModel = unwrapped_model(network)
        with optim_wrapper.optim_context(network):
            data = copied_to_device(model, data)
            losses = run_forward(network, data, mode="loss")
        total, logged = model.parse_losses(losses)
        optim_wrapper.update_params(total)
        look_again(network, data, optim_wrapper)
        return total, without_absent(logged, model.trained_tasks, data["data_samples"])


def copied_to_device(model: MultiTaskModel, data: Any) -> Any:
    """Preprocess a batch on the model's device, after a check of its targets on the host.

    Args:
        model: The model.
        data: A batch of the data loader.

    Raises:
        ValueError: A target does not fit its head; the message names task and image.
    """
    if model.data_preprocessor.device.type != "cpu":  # else the losses check them
        for sample in data["data_samples"]:
            for task in model.trained_tasks:
                if (target := sample.target(task)) is None:
                    continue
                try:
                    model.heads[task].check_targets([target])
                except ValueError as error:
                    file = sample.get("img_path", "?")
                    raise ValueError(f"task {task!r}: {error}; images: {file}") from error
    return model.data_preprocessor(data, True)


def look_again(network: nn.Module, data: Any, optim_wrapper: OptimWrapper) -> None:
    """Let the balancing method see the losses of the batch after an update, if it asks for them.

    Args:
        network: A :class:`MultiTaskModel`, or the DDP wrapper around it.
        data: The batch, preprocessed.
        optim_wrapper: The optimizer wrapper, which may just have updated the weights.
    """
    model: MultiTaskModel = unwrapped_model(network)
    if model.balancing.needs_losses_after_update and optim_wrapper.should_update():
        with torch.no_grad(), optim_wrapper.optim_context(network):
            again = run_forward(model, data, mode="loss")
        losses = {task: again[f"{task}_loss"] for task in model.trained_tasks}
        model.balancing.after_update(mean_over_processes(losses))
