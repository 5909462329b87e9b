"""Task embeddings: cosine similarities, and mixtures of them in a trained model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mtlplugins.models import MultiTaskModel
from mtlplugins.models.conditioning import TaskEmbedding


def sweep(tasks: Sequence[str], emphases: Sequence[float] = (5, 10)) -> list[dict[str, float]]:
    """List mixtures to try: the mean of all tasks, then each task with a higher weight.

    For two tasks these are the five of table 4.15 in the thesis: 1-1, 5-1, 10-1, 1-5, 1-10.

    Args:
        tasks: Names of the tasks.
        emphases: Weights of the emphasised task; the others have weight 1.

    Returns:
        The weights by task, for each mixture.
    """
    mean = dict.fromkeys(tasks, 1.0)
    return [mean, *({**mean, task: float(ahead)} for task in tasks for ahead in emphases)]


def mix(embedding: TaskEmbedding, weights: Mapping[str, float]) -> Tensor:
    """Compute the weighted mean of embeddings: ``z = Σ wᵢ zᵢ / Σ wᵢ`` (thesis, section 4.5.7).

    Args:
        embedding: The task embeddings of a model.
        weights: Weight by task; tasks left out have weight 0.

    Returns:
        The mixture (embed_dims,) of the tasks' own vectors, without the global vector, which the
        model adds to every ``z``. If only one task has a weight, its vector bit by bit.

    Raises:
        ValueError: A task is unknown, a weight is negative or not finite, or none is above 0.
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
        # divides the weights first: (w z) / w is not z to the last bit
        return sum(embedding.vectors[t] * (weight / total) for t, weight in weights.items())


def mixed_rows(
    embedding: TaskEmbedding, mixtures: Mapping[str, Mapping[str, float]]
) -> Callable[[Sequence[str]], Tensor]:
    """Make a function of tasks to their embeddings in which some are mixtures.

    It is what ``MultiTaskModel.predict`` takes as ``embedding``. The model stays as it is, so
    several threads may use different ones at once.

    Args:
        embedding: The task embeddings of a model.
        mixtures: Weights of the mixture, see :func:`mix`, by the task that is predicted with it.

    Raises:
        ValueError: A task is unknown, or :func:`mix` refuses the weights.
    """
    for task in mixtures:
        if task not in embedding.tasks:
            raise ValueError(
                f"mixture: unknown task {task!r}; tasks of this model: {', '.join(embedding.tasks)}"
            )
    mixed = {task: mix(embedding, weights) for task, weights in mixtures.items()}
    if embedding.shared is not None:
        mixed = {task: z + embedding.shared for task, z in mixed.items()}
    return lambda tasks: torch.stack([mixed[t] if t in mixed else embedding[t] for t in tasks])


@contextmanager
def mixed_embedding(model: MultiTaskModel, weights: Mapping[str, float]) -> Iterator[None]:
    """Context in which all tasks of ``model`` use one mixture; restores their embeddings after it.

    Changes the parameters in place, so it is not thread-safe.

    Raises:
        ValueError: The model is not conditioned, or :func:`mix` refuses the weights.
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
    """Compute the cosine similarities of all tasks: (T, T), ordered as ``embedding.tasks``."""
    with torch.no_grad():
        directions = normalize(embedding(embedding.tasks), dim=1)
        return directions @ directions.T


def conditioned_embedding(model: MultiTaskModel) -> TaskEmbedding:
    """Return the task embeddings of a model.

    Raises:
        ValueError: The model is not conditioned.
    """
    if model.task_embedding is None:
        raise ValueError(
            "this model has no task embeddings, since its encoder is not conditioned: give a "
            "config whose model.backbone.plan places a module, and a checkpoint of it"
        )
    return model.task_embedding
