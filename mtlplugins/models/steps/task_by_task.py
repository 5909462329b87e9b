"""Training step that runs one task after the other, with the activation memory of one task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from mmengine.dist import is_distributed
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.common.model_wrappers import unwrapped_model
from mtlplugins.models.backbones.conditioned import Trunk
from mtlplugins.models.distributed.shares import mean_over_processes
from mtlplugins.models.distributed.touch import touch
from mtlplugins.models.rows import SomeRows
from mtlplugins.models.task_losses import TaskLosses
from mtlplugins.structures import MultiTaskDataSample

from .task_gradients import TaskGradients

if TYPE_CHECKING:
    from mtlplugins.models.multitask_model import MultiTaskModel


@MODELS.register_module()
class TaskByTask:
    """Forward and backward pass of one task after the other.

    After the branch point, each (image, task) row belongs to one task. So the gradient of the total
    is the sum of the tasks' gradients, and the activations of a task (its part of the encoder, its
    decoder, its head) can be freed before the next task runs. The shared part runs forward once;
    the tasks' gradients at its output are summed, and one backward pass takes the sum through it.

    Gradients equal those of :class:`AllTasks`, up to rounding; DDP reduces them once. There are two
    differences. Dropout and drop path draw their random numbers in another order. Batch norms of
    the encoder after the branch point see the rows of one task at a time, so their statistics are
    per task in training and averaged over tasks in evaluation. Decoders and heads belong to one
    task anyway.
    """

    shardable = False

    def check(self, model: MultiTaskModel) -> None:
        """Check that the model can be trained task by task.

        Raises:
            ValueError: The balancing method needs all losses of a step to compute a weight, or
                gradients of an encoder that is frozen.
        """
        if model.balancing.needs_gradients and (
            model.frozen_tasks or not any(p.requires_grad for p in _shared_parameters(model))
        ):
            raise ValueError(
                f"model.balancing={type(model.balancing).__name__} combines the tasks' gradients "
                "of the encoder, which is frozen (frozen_tasks, backbone.plan): leave "
                "model.balancing out"
            )
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
                or the encoder's synchronised batch norms would wait for tasks that another rank
                lacks.
        """
        model: MultiTaskModel = unwrapped_model(network)
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
        model: MultiTaskModel,
        inputs: Tensor,
        samples: Sequence[MultiTaskDataSample],
        backward: Callable[[Tensor], None],
    ) -> dict[str, Tensor]:
        """Run the shared part forward, and each task forward and backward.

        This runs inside the model's forward pass, where DDP does not expect gradients; DDP reduces
        all of them in the backward pass of the total.

        Args:
            model: The :class:`MultiTaskModel`.
            inputs: Images (B, 3, H, W).
            samples: Their targets.
            backward: Function that is called with each task's weighted loss.

        Returns:
            The values to log. ``loss`` has the value of the weighted total; its backward pass
            takes the tasks' gradients through the shared part.
        """
        rows = model.rows_with_targets(samples)
        found = TaskLosses(model.trained_tasks, model.heads, rows, samples, inputs.device)
        shared = model.shared_part(inputs) if rows.images else Trunk(None, ())
        leaves = _detached(shared)
        gradients = None
        if model.balancing.needs_gradients:
            parameters = _shared_parameters(model)
            gradients = TaskGradients(parameters, len(model.trained_tasks), shared, leaves)
        logged: dict[str, Any] = {}
        total = inputs.new_zeros(())
        for number, task in enumerate(model.trained_tasks):
            losses, weight = _train_task(model, task, leaves, rows.only(task), found, backward)
            total = total + weight * losses[f"{task}_loss"]
            logged |= losses | {f"{task}_weight": weight}
            if gradients is not None:
                gradients.take(number)
        if gradients is not None:
            gradients.put_back(model.balancing)  # nothing is left for the backward pass
        else:
            total = _replayed(total, shared, leaves)
        if is_distributed():
            total = total + touch(model)
        elif gradients is not None or len(rows.images) < len(model.trained_tasks):
            total = total + touch(model.backbone, model.neck, model.task_embedding)
        return dict(loss=total) | logged


def _shared_parameters(model: MultiTaskModel) -> list[nn.Parameter]:
    parts = [part for part in (model.backbone, model.neck) if part is not None]
    return [p for part in parts for p in part.parameters()]


def _train_task(
    model: MultiTaskModel,
    task: str,
    shared: Trunk,
    rows: SomeRows,
    found: TaskLosses,
    backward: Callable[[Tensor], None],
) -> tuple[dict[str, Tensor], float | Tensor]:
    """Run the part of one task forward and backward; frees its activations at the end."""
    logits = model.encode_decode(shared, rows)[task] if rows.images else torch.zeros(0)
    losses = found.loss(task, logits, model.modules_of(task))
    loss = losses[f"{task}_loss"]
    weight = model.balancing({task: loss.detach()})[task]
    if loss.requires_grad:
        # a backward pass must not run under autocast, and this one is inside a forward pass
        with torch.autocast(loss.device.type, enabled=False):
            backward(weight * loss)
    return {name: value.detach() for name, value in losses.items()}, weight


def _backward(optim_wrapper: OptimWrapper, loss: Tensor) -> None:
    """Run the backward pass as ``update_params`` does, without counting an iteration."""
    loss = optim_wrapper.scale_loss(loss)
    if isinstance(optim_wrapper, AmpOptimWrapper):
        loss = optim_wrapper.loss_scaler.scale(loss)
    loss.backward()


def _detached(shared: Trunk) -> Trunk:
    """Detach the shared maps, as leaves that accumulate the tasks' gradients."""

    def leaf(x: Tensor) -> Tensor:
        return x.detach().requires_grad_(x.requires_grad)

    x = None if shared.x is None else leaf(shared.x)
    return shared._replace(x=x, maps=tuple(map(leaf, shared.maps)))


def _replayed(total: Tensor, shared: Trunk, leaves: Trunk) -> Tensor:
    """Give ``total`` a backward pass that takes the leaves' gradients through the shared part."""
    both = zip((shared.x, *shared.maps), (leaves.x, *leaves.maps), strict=True)
    pairs = [
        (x, leaf.grad) for x, leaf in both if x is not None and leaf is not None and x.requires_grad
    ]
    gradients = [gradient for _, gradient in pairs]
    return _Replay.apply(total.detach().requires_grad_(), gradients, *(x for x, _ in pairs))


class _Replay(torch.autograd.Function):
    """Identity whose backward pass gives further inputs precomputed gradients.

    The gradients already contain the factors of loss scaling and accumulation. The incoming
    gradient consists of the same factors, so it is not multiplied in.
    """

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: list[Tensor | None], *inputs: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        return None, None, *gradients


def _check_training(model: MultiTaskModel, optim_wrapper: OptimWrapper) -> None:
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
            "that only other ranks have; set sync_bn=None, freeze the norms "
            "(backbone.norm_eval=True) or take model.step=dict(type='AllTasks')"
        )
