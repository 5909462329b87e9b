"""Folding of a conditioned model into the plain model of one task, for deployment."""

from __future__ import annotations

from copy import deepcopy

import torch

from mtlplugins.models.multitask_model import MultiTaskModel


@torch.no_grad()
def fold(model: MultiTaskModel, task: str) -> MultiTaskModel:
    """Make a model of one task whose embedding is folded into plain weights.

    Conditional LayerNorm becomes LayerNorm; ``M(z)`` is added to the attention's bias; FiLM is
    multiplied into the adapter's linear layers or the ResNet's norms. The folded encoder has no
    conditional modules and costs as much as the plain one plus its adapters. Its predictions equal
    those of ``model`` for the task, up to rounding.

    A folded model has no config: load the checkpoint first, then fold. The state dict of a folded
    model loads into another one folded from the same config.

    Args:
        model: The model; it is not changed.
        task: One of its tasks.

    Returns:
        A copy with this task only, in eval mode, with parameters that need no gradient.

    Raises:
        ValueError: The task is unknown, or the tasks exchange maps.
    """
    if model.exchange is not None:
        raise ValueError(
            f"cannot fold for task {task!r}: by model.exchange its prediction needs the maps of "
            "the other tasks; export a graph of all tasks, without --task"
        )
    if task not in model.tasks:
        raise ValueError(
            f"cannot fold for task {task!r}; tasks of this model: {', '.join(model.tasks)}"
        )
    folded = deepcopy(model)
    folded.tasks = folded.trained_tasks = (task,)
    folded.frozen_tasks = ()
    folded.test_cfg["tasks"] = None
    for modules in (folded.decoders, folded.heads):
        for other in set(modules) - {task}:
            del modules[other]
    if folded.task_embedding is not None:
        folded.backbone.fold(folded.task_embedding[task])
        folded.task_embedding = None
    return folded.eval().requires_grad_(False)
