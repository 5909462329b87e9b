"""One task's plain model out of a conditioned one, for deployment."""

from __future__ import annotations

from copy import deepcopy

import torch

from mtlplugins.models.multitask_model import MultiTaskModel


@torch.no_grad()
def fold(model: MultiTaskModel, task: str) -> MultiTaskModel:
    """Make the model of one task, with all that depends on its embedding put into plain weights.

    Conditional LayerNorm becomes LayerNorm, ``M(z)`` goes into the attention's bias, FiLM into the
    adapter's linear layers or the ResNet's norms. The encoder has no conditional module left and
    costs what the plain one costs, plus its adapters. It predicts what ``model`` predicts for the
    task, up to rounding.

    There is no config of a folded model: fold after loading. The state of a folded model loads into
    one folded of the same config.

    Args:
        model: Stays as it is.
        task: One of its tasks.

    Returns:
        A copy with this task alone, in eval mode, its parameters without gradients.

    Raises:
        ValueError: An unknown task.
    """
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
