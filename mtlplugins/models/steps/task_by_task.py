"""The training step that runs one task after the other, in the memory of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from mmengine.dist import is_distributed
from mmengine.model import is_model_wrapper
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.models.backbones.conditioned import Trunk
from mtlplugins.models.distributed.shares import mean_over_processes
from mtlplugins.models.distributed.touch import touch
from mtlplugins.models.rows import Rows
from mtlplugins.models.task_losses import TaskLosses
from mtlplugins.structures import MultiTaskDataSample


@MODELS.register_module()
class TaskByTask:
    """Forward and backward for the rows of one task, then for those of the next.

    Behind the branch point each (image, task) row belongs to one task. So the gradient of the total
    is the sum of the tasks' gradients, and the activations of one task (its part of the encoder,
    its decoder, its head) can go before those of the next come. What the tasks share is computed
    once; the gradients that they leave at its end are added up, and one backward pass takes the sum
    through it.

    Gradients are those of :class:`AllTasks`, up to rounding; under DDP they are reduced once. Two
    things differ. Dropout and drop path draw in another order. Batch norms of the encoder behind
    the branch point see the rows of one task at a time, and so are their statistics: per task while
    training, an average over tasks in evaluation. Decoders and heads are a task's own anyway.
    """

    shardable = False

    def check(self, model: nn.Module) -> None:
        """Refuse what cannot be trained task by task.

        Raises:
            ValueError: The balancing method needs all losses of a step before it knows a weight.
        """
        if not model.balancing.known_before:
            name = type(model.balancing).__name__
            raise ValueError(
                f"model.step=TaskByTask goes backward before all losses are known, which "
                f"model.balancing={name} needs: take model.step=dict(type='AllTasks'), or another "
                "balancing method"
            )

    def __call__(
        self, network: nn.Module, data: Any, optim_wrapper: OptimWrapper
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Train on one batch; see :meth:`AllTasks.__call__`.

        Raises:
            ValueError: The model is sharded, the optimizer wrapper has a backward pass of its own,
                or an encoder's synchronised batch norms would wait for tasks that a process does
                not have.
        """
        model = network.module if is_model_wrapper(network) else network
        _check_training(model, optim_wrapper)
        with optim_wrapper.optim_context(network):
            data = model.data_preprocessor(data, True)
            data["backward"] = partial(_backward, optim_wrapper)
            logged = network(**data, mode="loss")
        total = logged["loss"]
        optim_wrapper.update_params(total)
        return total, logged | mean_over_processes({n: v for n, v in logged.items() if "loss" in n})

    def forward(
        self,
        model: nn.Module,
        inputs: Tensor,
        samples: Sequence[MultiTaskDataSample],
        backward: Callable[[Tensor], None],
    ) -> dict[str, Tensor]:
        """Go forward and backward through each task, and forward through the shared part.

        It is a part of the model's forward pass, in which DDP does not expect gradients yet; so it
        reduces them all in the backward pass of the total.

        Args:
            model: The :class:`MultiTaskModel`.
            inputs: Images (B, 3, H, W).
            samples: Their targets.
            backward: Called with each task's weighted loss.

        Returns:
            What is logged. ``loss`` has the value of the weighted total; its backward pass takes
            the tasks' gradients through the shared part.
        """
        rows = model.rows_with_targets(samples)
        found = TaskLosses(model.trained_tasks, model.heads, rows, samples, inputs.device)
        shared = model.shared_part(inputs) if rows.images else Trunk(None, ())
        leaves = _detached(shared)
        logged: dict[str, Any] = {}
        total = inputs.new_zeros(())
        for task in model.trained_tasks:
            losses, weight = _train_task(model, task, leaves, rows.only(task), found, backward)
            total = total + weight * losses[f"{task}_loss"]
            logged |= losses | {f"{task}_weight": weight}
        total = _replayed(total, shared, leaves)
        if is_distributed():
            total = total + touch(model)
        elif len(rows.images) < len(model.trained_tasks):
            total = total + touch(model.backbone, model.neck, model.task_embedding)
        return dict(loss=total) | logged


def _train_task(
    model: nn.Module,
    task: str,
    shared: Trunk,
    rows: Rows,
    found: TaskLosses,
    backward: Callable[[Tensor], None],
) -> tuple[dict[str, Tensor], float | Tensor]:
    """Go forward and backward through what is one task's; its activations end with the call."""
    logits = model.encode_decode(shared, rows)[task] if rows.images else torch.zeros(0)
    losses = found.loss(task, logits, model.modules_of(task))
    loss = losses[f"{task}_loss"]
    weight = model.balancing({task: loss.detach()})[task]
    if loss.requires_grad:
        # autocast is for forward passes, also where the backward pass is within one
        with torch.autocast(loss.device.type, enabled=False):
            backward(weight * loss)
    return {name: value.detach() for name, value in losses.items()}, weight


def _backward(optim_wrapper: OptimWrapper, loss: Tensor) -> None:
    """Go backward as ``update_params`` does, without counting an iteration."""
    loss = optim_wrapper.scale_loss(loss)
    if isinstance(optim_wrapper, AmpOptimWrapper):
        loss = optim_wrapper.loss_scaler.scale(loss)
    loss.backward()


def _detached(shared: Trunk) -> Trunk:
    """Cut the shared maps off, as leaves at which the tasks' gradients add up."""

    def cut(x: Tensor) -> Tensor:
        return x.detach().requires_grad_(x.requires_grad)

    x = None if shared.x is None else cut(shared.x)
    return shared._replace(x=x, maps=tuple(map(cut, shared.maps)))


def _replayed(total: Tensor, shared: Trunk, leaves: Trunk) -> Tensor:
    """Give ``total`` a backward pass that takes the leaves' gradients through the shared part."""
    pairs = zip((shared.x, *shared.maps), (leaves.x, *leaves.maps), strict=True)
    pairs = [(x, leaf.grad) for x, leaf in pairs if x is not None and x.requires_grad]
    gradients = [gradient for _, gradient in pairs]
    return _Replay.apply(total.detach().requires_grad_(), gradients, *(x for x, _ in pairs))


class _Replay(torch.autograd.Function):
    """A value whose backward pass gives its inputs gradients that are known before.

    They already have the factors of loss scaling and accumulation, so the gradient that comes in,
    which is these factors, is not multiplied in.
    """

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: list[Tensor | None], *inputs: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        return None, None, *gradients


def _check_training(model: nn.Module, optim_wrapper: OptimWrapper) -> None:
    known = (OptimWrapper.backward, AmpOptimWrapper.backward)
    if type(optim_wrapper).backward not in known:
        raise ValueError(
            f"model.step=TaskByTask: {type(optim_wrapper).__name__} has a backward pass of its "
            "own; take OptimWrapper, Bf16OptimWrapper or AmpOptimWrapper, or "
            "model.step=dict(type='AllTasks')"
        )
    if hasattr(model, "unshard"):
        raise ValueError(
            "model.step=TaskByTask cannot train a sharded model: it goes backward several times in "
            "a step; take model.step=dict(type='AllTasks'), or leave runner_type out"
        )
    if model.task_embedding is None or not is_distributed():
        return
    parts = (m for part in (model.backbone, model.neck) if part is not None for m in part.modules())
    if any(isinstance(m, nn.SyncBatchNorm) and m.training for m in parts):
        raise ValueError(
            "model.step=TaskByTask: the encoder's synchronised batch norms would wait for tasks "
            "that only other processes have; set sync_bn=None, freeze the norms "
            "(backbone.norm_eval=True) or take model.step=dict(type='AllTasks')"
        )
