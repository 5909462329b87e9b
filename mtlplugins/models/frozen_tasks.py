"""Frozen tasks: tasks of a trained model that do not change while others are added."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, nn

if TYPE_CHECKING:
    from .multitask_model import MultiTaskModel


def trained_tasks(tasks: Sequence[str], frozen: Collection[str]) -> tuple[str, ...]:
    """Return the tasks that are not frozen.

    Raises:
        ValueError: All tasks are frozen.
    """
    trained = tuple(task for task in tasks if task not in frozen)
    if not trained:
        raise ValueError("frozen_tasks has all tasks of the model: leave one out to train it")
    return trained


def frozen_modules(model: MultiTaskModel) -> list[nn.Module]:
    """Return the frozen modules: encoder, neck, and the modules of the frozen tasks.

    Empty if no task is frozen.
    """
    if not model.frozen_tasks:
        return []
    own = [module for task in model.frozen_tasks for module in model.modules_of(task)]
    return [module for module in (model.backbone, model.neck, *own) if module is not None]


def freeze_tasks(model: MultiTaskModel) -> None:
    """Turn off gradients of the frozen modules and of the embeddings of the frozen tasks."""
    for module in frozen_modules(model):
        module.requires_grad_(False)
    if model.frozen_tasks and model.task_embedding is not None:
        for vector in model.task_embedding.sources(model.frozen_tasks):
            vector.requires_grad = False


def check_frozen(model: MultiTaskModel, state: Mapping[str, Tensor], prefix: str) -> None:
    """Check that a checkpoint has all frozen parameters and buffers.

    Args:
        model: The model that the checkpoint is loaded into.
        state: Tensors of the checkpoint by name.
        prefix: Prefix of the model's names in the checkpoint.

    Raises:
        ValueError: A tensor is missing or has another shape.
    """
    frozen = {id(x) for m in frozen_modules(model) for x in (*m.parameters(), *m.buffers())}
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        given = state.get(prefix + name)
        if id(value) in frozen and (given is None or given.shape != value.shape):
            raise ValueError(
                "what is frozen (model.frozen_tasks) stays as it is in the checkpoint, but that "
                f"{'lacks' if given is None else 'has another shape of'} {name}: give the "
                "checkpoint of a model with the same encoder, decoders and heads"
            )


class FrozenTasks(nn.Module):
    """Mixin of :class:`MultiTaskModel` for the mode and the loading of frozen modules.

    Attributes:
        frozen_tasks: The frozen tasks.
        frozen_tasks_loaded: Whether the frozen modules have been loaded from a checkpoint.
    """

    frozen_tasks: tuple[str, ...]
    frozen_tasks_loaded = False

    def train(self, mode: bool = True) -> FrozenTasks:
        """Set the mode; frozen modules stay in eval mode."""
        super().train(mode)
        for module in frozen_modules(cast("MultiTaskModel", self)):
            module.eval()
        return self

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        if self.frozen_tasks:
            check_frozen(cast("MultiTaskModel", self), state_dict, prefix)
            self.frozen_tasks_loaded = True
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
