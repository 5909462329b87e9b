"""Tasks of a trained model that stay as they are while others are added."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

if TYPE_CHECKING:
    from .multitask_model import MultiTaskModel


def trained_tasks(tasks: Sequence[str], frozen: Collection[str]) -> tuple[str, ...]:
    """List the tasks that are trained.

    Raises:
        ValueError: There is none.
    """
    trained = tuple(task for task in tasks if task not in frozen)
    if not trained:
        raise ValueError("frozen_tasks has all tasks of the model: leave one out to train it")
    return trained


def frozen_modules(model: MultiTaskModel) -> list[nn.Module]:
    """List what is not trained: encoder, neck, and the modules of the frozen tasks.

    Empty where no task is frozen.
    """
    if not model.frozen_tasks:
        return []
    own = [module for task in model.frozen_tasks for module in model.modules_of(task)]
    return [module for module in (model.backbone, model.neck, *own) if module is not None]


def freeze_tasks(model: MultiTaskModel) -> None:
    """Let the frozen modules, and the embeddings of the frozen tasks, take no gradient."""
    for module in frozen_modules(model):
        module.requires_grad_(False)
    if model.frozen_tasks and model.task_embedding is not None:
        for vector in model.task_embedding.sources(model.frozen_tasks):
            vector.requires_grad = False


def check_frozen(model: MultiTaskModel, state: Mapping[str, Tensor], prefix: str) -> None:
    """Check that a checkpoint has everything that will not be trained.

    Args:
        model: The model that the checkpoint is loaded into.
        state: Tensors of the checkpoint by name.
        prefix: Begins their names.

    Raises:
        ValueError: One is missing or has another shape.
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


class FrozenTasks:
    """Modes and loading of frozen tasks, as a part of :class:`MultiTaskModel`.

    Attributes:
        frozen_tasks_loaded: Whether a checkpoint has brought what is frozen.
    """

    frozen_tasks_loaded = False

    def train(self, mode: bool = True) -> FrozenTasks:
        """Set the mode, but keep what is frozen in eval mode."""
        super().train(mode)
        for module in frozen_modules(self):
            module.eval()
        return self

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        if self.frozen_tasks:
            check_frozen(self, state_dict, prefix)
            self.frozen_tasks_loaded = True
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
