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
from mtlplugins.models.balancing.gradient_balancing import GradientBalancing
from mtlplugins.models.distributed.sharded import gradients_kept_whole, is_sharded
from mtlplugins.models.distributed.shares import mean_over_processes
from mtlplugins.models.distributed.touch import touch
from mtlplugins.models.rows import SomeRows
from mtlplugins.models.task_losses import TaskLosses, without_absent
from mtlplugins.structures import MultiTaskDataSample

from .all_tasks import copied_to_device, look_again
from .branch import detached, replayed
from .feature_gradients import FeatureGradients
from .late_weights import LateWeights
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

    Gradients equal those of :class:`AllTasks`, up to rounding; DDP reduces them once, and so does
    ``ShardedRunner``, where a process holds whole gradients until then. There are two differences.
    Dropout and drop path draw their random numbers in another order. Batch norms of the encoder
    after the branch point see the rows of one task at a time, so their statistics are per task in
    training and averaged over tasks in evaluation. Decoders and heads belong to one task anyway.
    """

    def check(self, model: MultiTaskModel) -> None:
        """Check that the model can be trained task by task.

        Raises:
            ValueError: The tasks exchange maps, or the balancing method combines gradients of an
                encoder that is frozen.
        """
        if model.exchange is not None:
            raise ValueError(
                "model.step=dict(type='TaskByTask') runs one task after the other, but by "
                "model.exchange a task's prediction needs the maps of the others: take "
                "dict(type='AllTasks') and a balancing method that it serves, or leave exchange out"
            )
        if isinstance(model.balancing, GradientBalancing):
            _check_gradients(model, model.balancing)

    def __call__(
        self, network: nn.Module, data: Any, optim_wrapper: OptimWrapper
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Train on one batch; see :meth:`AllTasks.__call__`.

        Raises:
            ValueError: DDP expects a static graph, the optimizer wrapper has a backward pass of its
                own, or the encoder's synchronised batch norms would wait for tasks that another
                rank lacks.
        """
        model: MultiTaskModel = unwrapped_model(network)
        _check_training(model, network, optim_wrapper)
        with optim_wrapper.optim_context(network), gradients_kept_whole(model):
            data = copied_to_device(model, data)
            backward = partial(_backward, optim_wrapper)
            logged = network(**data, mode="loss", backward=backward)
        total = logged["loss"]
        optim_wrapper.update_params(total)
        look_again(network, data, optim_wrapper)
        logged |= mean_over_processes({n: v for n, v in logged.items() if "loss" in n})
        return total, without_absent(logged, model.trained_tasks, data["data_samples"])

    def forward(
        self,
        model: MultiTaskModel,
        inputs: Tensor,
        samples: Sequence[MultiTaskDataSample],
        backward: Callable[[Tensor], None],
    ) -> dict[str, Tensor]:
        """Run the shared part forward, and each task forward and backward.

        This runs inside the model's forward pass, where DDP does not expect gradients; DDP reduces
        all of them in the backward pass of the total. So does sharding.

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
        leaves = detached(shared)
        gradients = _gradients(model, shared, leaves)
        logged: dict[str, Any] = {}
        weights: dict[str, float | Tensor] = {}
        for number, task in enumerate(model.trained_tasks):
            losses, weights[task] = _train_task(
                model, task, leaves, rows.only(task), found, backward
            )
            logged |= losses
            if gradients is not None:
                gradients.take(number)
        raw = {task: logged[f"{task}_loss"] for task in model.trained_tasks}
        if isinstance(gradients, LateWeights):
            weights = model.balancing(mean_over_processes(raw))
        total = sum((weights[task] * loss for task, loss in raw.items()), inputs.new_zeros(()))
        weights = {t: w.detach() if isinstance(w, Tensor) else w for t, w in weights.items()}
        logged |= {f"{task}_weight": weight for task, weight in weights.items()}
        if isinstance(gradients, LateWeights):
            gradients.put_back(weights)
            total = total + torch.zeros_like(total, requires_grad=True)
        elif isinstance(gradients, FeatureGradients):
            total = gradients.put_back(model.balancing, total)
        elif isinstance(gradients, TaskGradients):
            gradients.put_back(model.balancing.combine)
        else:
            total = replayed(total, shared, leaves)
        if isinstance(model.balancing, GradientBalancing):
            names = [f"{task}_share" for task in model.trained_tasks]
            logged |= dict(zip(names, model.balancing.shares, strict=True))
        if is_distributed():
            total = total + touch(model)
        elif gradients is not None or len(rows.images) < len(model.trained_tasks):
            total = total + touch(model.backbone, model.neck, model.task_embedding)
        if is_sharded(model):
            # the pass through the shared part belongs to those whose gradients are kept whole
            with torch.autocast(inputs.device.type, enabled=False):
                total.backward()
            total = total.detach() + touch(model)
        return dict(loss=total) | logged


def _gradients(
    model: MultiTaskModel, shared: Trunk, leaves: Trunk
) -> TaskGradients | FeatureGradients | LateWeights | None:
    """Make what keeps the tasks' gradients apart; None if they are added up."""
    balancing, count = model.balancing, len(model.trained_tasks)
    if not balancing.known_before:
        return LateWeights(model, shared, leaves)
    if not isinstance(balancing, GradientBalancing):
        return None
    if balancing.at == "features":
        return FeatureGradients(count, shared, leaves)
    return TaskGradients(_shared_modules(model), count, shared, leaves)


def _shared_modules(model: MultiTaskModel) -> list[nn.Module]:
    return [part for part in (model.backbone, model.neck) if part is not None]


def _check_gradients(model: MultiTaskModel, balancing: GradientBalancing) -> None:
    name = type(balancing).__name__
    parts = _shared_modules(model)
    if model.frozen_tasks or not any(p.requires_grad for m in parts for p in m.parameters()):
        raise ValueError(
            f"model.balancing={name} combines the tasks' gradients of the encoder, which is frozen "
            "(frozen_tasks, backbone.plan): leave model.balancing out"
        )
    first = model.task_embedding is not None and model.backbone.branch_point == (0, 0)
    if balancing.at == "features" and first:
        raise ValueError(
            f"model.balancing={name}: at='features' combines gradients of the maps that the tasks "
            "share, but backbone.plan conditions the first block: take at='parameters', or "
            "condition later blocks only"
        )


def _train_task(
    model: MultiTaskModel,
    task: str,
    shared: Trunk,
    rows: SomeRows,
    found: TaskLosses,
    backward: Callable[[Tensor], None],
) -> tuple[dict[str, Tensor], float | Tensor]:
    """Run the part of one task forward and backward; frees its activations at the end.

    Returns:
        The detached losses, and the weight: 1 where it is not known yet.
    """
    logits = model.encode_decode(shared, rows)[task] if rows.images else torch.zeros(0)
    losses = found.loss(task, logits, model.modules_of(task))
    loss = losses[f"{task}_loss"]
    known = model.balancing.known_before
    weight = model.balancing({task: loss.detach()})[task] if known else 1.0
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


def _check_training(model: MultiTaskModel, network: nn.Module, optim_wrapper: OptimWrapper) -> None:
    known = (OptimWrapper.backward, AmpOptimWrapper.backward)
    if type(optim_wrapper).backward not in known:
        raise ValueError(
            f"model.step=TaskByTask: {type(optim_wrapper).__name__} has a backward pass of its "
            "own; take OptimWrapper, Bf16OptimWrapper or AmpOptimWrapper, or "
            "model.step=dict(type='AllTasks')"
        )
    if getattr(network, "static_graph", False):
        raise ValueError(
            "model.step=TaskByTask goes backward inside the forward pass, before DDP has recorded "
            "a static graph: leave model_wrapper_cfg.static_graph out"
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
