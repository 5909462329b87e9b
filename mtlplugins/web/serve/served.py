"""Served model: a checkpoint that answers requests, with time and parameters per task."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from mmengine.config import Config
from PIL import Image
from torch import nn

from mtlplugins.apis.inferencer import MultiTaskInferencer
from mtlplugins.apis.prediction import Prediction
from mtlplugins.models.conditioning import TaskEmbedding
from mtlplugins.web.mixer import mixture_of


@dataclass(frozen=True)
class Answer:
    """Prediction of one checkpoint, and the seconds that it took, without drawing."""

    checkpoint: str
    prediction: Prediction
    seconds: float


class ServedModel:
    """A checkpoint that answers requests; several threads may ask at once.

    Args:
        config: The config.
        checkpoint: Checkpoint file.
        device: Device; None for the GPU if there is one.

    Raises:
        As :class:`mtlplugins.apis.MultiTaskInferencer`; ValueError also for a config without
        transforms for an image file.
    """

    def __init__(self, config: Config, checkpoint: str, device: str | None = None) -> None:
        self.name = Path(checkpoint).stem
        self.inferencer = MultiTaskInferencer(config, checkpoint, device=device)
        _ = self.inferencer.pipeline  # raises here, not at the first request

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks in the model's order."""
        return self.inferencer.model.tasks

    @property
    def embedding(self) -> TaskEmbedding | None:
        """The task embeddings; None if the encoder is not conditioned."""
        return self.inferencer.model.task_embedding

    def predict(
        self,
        image: Image.Image,
        tasks: Sequence[str],
        weights: Mapping[str, Mapping[str, float]] | None = None,
    ) -> Answer:
        """Predict tasks of one image; only their rows are computed.

        Args:
            image: RGB image.
            tasks: Tasks to predict.
            weights: Weights by embedding, for each task that is predicted with a mixture.

        Raises:
            ValueError: A task is unknown, none is given, weights are refused, or they are given for
                a model without task embeddings.
        """
        start = time.perf_counter()
        found = self.inferencer(image, tasks=tasks, mixture=mixture_of(weights or {}))
        return Answer(self.name, cast(Prediction, found), time.perf_counter() - start)

    def parameters(self) -> dict[str, int]:
        """Count the parameters of each task alone (``z``, decoder, head), and the ``shared``."""
        model = self.inferencer.model
        own = {
            task: sum(
                _count(parts[task]) for parts in (model.decoders, model.heads) if task in parts
            )
            for task in model.tasks
        }
        if self.embedding is not None:
            own = {task: n + self.embedding.vectors[task].numel() for task, n in own.items()}
        return {"shared": _count(model) - sum(own.values()), **own}

    def times(self, image: Image.Image) -> dict[str, float]:
        """Measure the seconds of each task alone, and of all ``together``, once each."""
        alone = {task: self.predict(image, [task]).seconds for task in self.tasks}
        return {"together": self.predict(image, self.tasks).seconds, **alone}


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
