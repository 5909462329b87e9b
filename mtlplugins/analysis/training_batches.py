"""A trained model and batches of its training data, for analyses of gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.io.checkpoint import load_state, read_checkpoint
from mtlplugins.models import MultiTaskModel
from mtlplugins.models.rows import SomeRows
from mtlplugins.models.task_losses import TaskLosses
from mtlplugins.structures import MultiTaskDataSample


class Batch(NamedTuple):
    """Images (B, 3, H, W) of a batch after preprocessing, and their targets."""

    images: Tensor
    samples: Sequence[MultiTaskDataSample]

    def halves(self) -> tuple[Batch, Batch]:
        """Split the batch into its even and its odd images."""
        first, second = (Batch(self.images[i::2], self.samples[i::2]) for i in (0, 1))
        return first, second


def build_model(cfg: Config) -> MultiTaskModel:
    """Build the model of a config, in eval mode: without dropout, norms by running statistics.

    Raises:
        ValueError: It trains fewer than two tasks, or is no :class:`MultiTaskModel`.
    """
    init_default_scope("mmseg")
    model = MODELS.build(cfg.model)
    if not isinstance(model, MultiTaskModel) or len(model.trained_tasks) < 2:
        raise ValueError(
            f"{cfg.filename or 'the config'}: tasks are compared, so model must be a "
            "MultiTaskModel that trains two or more"
        )
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def load_checkpoint(model: MultiTaskModel, checkpoint: str) -> None:
    """Load a checkpoint of the model.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is damaged, or of another architecture.
    """
    state, _ = read_checkpoint(checkpoint)
    load_state(model, state, checkpoint)


def training_batches(cfg: Config, model: MultiTaskModel, count: int) -> Iterator[Batch]:
    """Load the first batches of the training data, augmented as in training; at most ``count``.

    They depend on the seed of the config only.
    """
    seed = (cfg.get("randomness") or {}).get("seed") or 0
    loader = dict(cfg.train_dataloader, persistent_workers=False)
    for data in islice(Runner.build_dataloader(loader, seed=seed), count):
        found = model.data_preprocessor(data, True)
        yield Batch(found["inputs"], found["data_samples"])


def task_loss(model: MultiTaskModel, task: str, batch: Batch) -> Tensor | None:
    """Compute the raw loss of one task, on its own rows; None without a target of it."""
    rows = SomeRows.with_targets((task,), batch.samples, others=model.tasks)
    if not rows.images:
        return None
    logits = model.encode_decode(batch.images, rows)[task]
    found = TaskLosses((task,), model.heads, rows, batch.samples, batch.images.device)
    return found.loss(task, logits, model.modules_of(task))[f"{task}_loss"]
