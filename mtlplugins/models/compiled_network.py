"""The network as a compiled graph: encoder, decoders and heads, for few numbers of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .backbones.conditioned import Trunk
from .distributed.sharded import is_sharded
from .layers.masked_norm import masked_norms, trains_norms
from .rows import AllRows, Rows, SomeRows, to_device

if TYPE_CHECKING:
    from .multitask_model import MultiTaskModel


class CompiledNetwork:
    """``encode_decode`` of a model, compiled by ``torch.compile``.

    A graph is for fixed numbers of rows, and those of partly labelled batches differ. So each task
    gets as many rows as the batch has images, or half as many where that is enough: two graphs for
    all batches of one size. Padding repeats an image; its logits are cut off, and no batch norm
    reads it. The numbers depend on the batch alone, so a resumed run computes what an unbroken one
    does.

    Args:
        model: The model. The class of its batch norms changes; their names and values stay.
        options: Arguments of ``torch.compile``.

    Raises:
        ValueError: The model cannot be padded; see :func:`why_not`.
    """

    def __init__(self, model: MultiTaskModel, **options: Any) -> None:
        if reason := why_not(model):
            raise ValueError(reason)
        self._model = model
        self._plain = model.encode_decode
        self._norms = {task: masked_norms(model.modules_of(task)) for task in model.tasks}
        # sizes are few, and a graph for any of them would be a slower one
        settings: dict[str, Any] = dict(dynamic=False) | options
        self._run = torch.compile(self._network, **settings)

    def __call__(self, inputs: Tensor | Trunk, rows: Rows) -> dict[str, Tensor]:
        """Compute what :meth:`MultiTaskModel.encode_decode` does."""
        if isinstance(inputs, Trunk) or rows.embedding is not None:
            return self._plain(inputs, rows)
        if not isinstance(rows, SomeRows):
            return self._run(inputs, rows.tasks, None)
        own = [rows.images.get(task, []) for task in self._model.trained_tasks]
        size = padded_count(len(inputs), max(map(len, own)))
        images = [indices + (size - len(indices)) * (indices or [0])[:1] for indices in own]
        images = to_device(images, inputs.device)
        present = [[float(i < len(indices)) for i in range(size)] for indices in own]
        masks = to_device(present, inputs.device, torch.float32)
        self._mask(dict(zip(self._model.trained_tasks, masks, strict=True)))
        logits = self._run(inputs, self._model.trained_tasks, images)
        self._mask({})
        return {task: logits[task][: len(indices)] for task, indices in rows.images.items()}

    def _network(
        self, inputs: Tensor, tasks: tuple[str, ...], images: Tensor | None
    ) -> dict[str, Tensor]:
        rows = (
            AllRows(tasks, inputs.shape[0])
            if images is None
            else PaddedRows(tasks, images.shape[1], images=images)
        )
        return self._plain(inputs, rows)

    def _mask(self, masks: dict[str, Tensor]) -> None:
        for task, norms in self._norms.items():
            for norm in norms:
                norm.present = masks.get(task)


@dataclass
class PaddedRows(AllRows):
    """Rows of a padded batch, as many of each task; ``num_images`` is their number.

    Attributes:
        images: Index of the image of each row (T, ``num_images``), int64.
    """

    images: Tensor | None = None

    def features(self, maps: Any, task: str, shared_maps: int) -> list[Tensor]:
        """Select the maps of one task's rows."""
        assert self.images is not None
        own = self.images[self.tasks.index(task)]
        shared = [x.index_select(0, own) for x in maps[:shared_maps]]
        return shared + super().features(maps, task, shared_maps)[shared_maps:]

    def _indices(self, device: torch.device) -> tuple[Tensor, Tensor]:
        assert self.images is not None
        return self.images.flatten(), super()._indices(device)[1]


def padded_count(images: int, most: int) -> int:
    """Return the number of rows of each task in a padded batch.

    Args:
        images: Number of images of the batch.
        most: Largest number of rows of a task.
    """
    half = (images + 1) // 2
    return half if most <= half else images


def why_not(model: MultiTaskModel) -> str | None:
    """Say why padded rows would change what a model computes; None if they do not."""
    if type(model.step).__name__ != "AllTasks":
        return f"model.step={type(model.step).__name__} runs one task after the other"
    if model.exchange is not None:
        return "model.exchange reads the maps of other tasks"
    if is_sharded(model):
        return "its weights are sharded"
    own = [module for task in model.tasks for module in model.modules_of(task)]
    if any(trains_norms(m, maskable=False) for m in own):
        return "decoders or heads have batch norms of another kind (synchronised, or of timm)"
    shared = [m for m in (model.backbone, model.neck) if m is not None]
    if model.task_embedding is not None and any(map(trains_norms, shared)):
        return "batch norms of the conditioned encoder or the neck are trained"
    return None
