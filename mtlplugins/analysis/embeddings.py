"""Task embeddings: cosine similarities, and mixtures of them in a trained model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mtlplugins.models import MultiTaskModel
from mtlplugins.models.conditioning import TaskEmbedding


def sweep(tasks: Sequence[str], emphases: Sequence[float] = (5, 10)) -> list[dict[str, float]]:
    """List mixtures: the mean of all tasks, then each task in turn ahead of the others.

    For two tasks these are the five of the thesis's table 4.15: 1-1, 5-1, 10-1, 1-5, 1-10.

    Args:
        tasks: Names of the tasks.
        emphases: Weights of the task that is ahead; the others have 1.

    Returns:
        The weight of each task, for each mixture.
    """
    mean = dict.fromkeys(tasks, 1.0)
    return [mean, *({**mean, task: float(ahead)} for task in tasks for ahead in emphases)]


def mix(embedding: TaskEmbedding, weights: Mapping[str, float]) -> Tensor:
    """Combine embeddings: ``z = Σ wᵢ zᵢ / Σ wᵢ`` (the thesis, section 4.5.7).

    Args:
        embedding: The embeddings of a model's tasks.
        weights: Weight of each task, 0 where left out.

    Returns:
        The mixture (embed_dims,) of the tasks' own vectors. A global vector is in every ``z``, so
        it is in any mixture of them too. Where one task alone has a weight, its vector to the bit.

    Raises:
        ValueError: An unknown task, a weight that is negative or not finite, or no weight above 0.
    """
    for task, weight in weights.items():
        if task not in embedding.tasks:
            raise ValueError(
                f"mixture: unknown task {task!r}; tasks of this model: {', '.join(embedding.tasks)}"
            )
        if not (isfinite(weight) and weight >= 0):
            raise ValueError(f"mixture: the weight of task {task!r} is {weight}: give 0 or more")
    total = sum(weights.values())
    if total == 0:
        raise ValueError("mixture: no task has a weight above 0")
    with torch.no_grad():
        # shares and not a sum divided at the end: w z / w is not z to the last bit
        return sum(embedding.vectors[t] * (weight / total) for t, weight in weights.items())


@contextmanager
def mixed_embedding(model: MultiTaskModel, weights: Mapping[str, float]) -> Iterator[None]:
    """Hand one mixture to all tasks of ``model``; afterwards each has its own embedding again.

    Raises:
        ValueError: The model is not conditioned, or a mixture that :func:`mix` refuses.
    """
    embedding = conditioned_embedding(model)
    mixture = mix(embedding, weights)
    own = {task: vector.detach().clone() for task, vector in embedding.vectors.items()}
    _set(embedding, dict.fromkeys(own, mixture))
    try:
        yield
    finally:
        _set(embedding, own)


def _set(embedding: TaskEmbedding, vectors: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for task, vector in vectors.items():
            embedding.vectors[task].copy_(vector)


def cosine_similarities(embedding: TaskEmbedding) -> Tensor:
    """Compare each two tasks: cosines (T, T), in the order of ``embedding.tasks``."""
    with torch.no_grad():
        directions = normalize(embedding(embedding.tasks), dim=1)
        return directions @ directions.T


def conditioned_embedding(model: MultiTaskModel) -> TaskEmbedding:
    """Give the task embeddings of a model.

    Raises:
        ValueError: The model is not conditioned.
    """
    if model.task_embedding is None:
        raise ValueError(
            "this model has no task embeddings, since its encoder is not conditioned: give a "
            "config whose model.backbone.plan places a module, and a checkpoint of it"
        )
    return model.task_embedding
