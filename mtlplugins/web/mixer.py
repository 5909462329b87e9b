"""Mixer: sliders and presets of task embeddings, as the inferencer takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mtlplugins.analysis.embeddings import mix, sweep
from mtlplugins.models.conditioning import TaskEmbedding

#: Weights by embedding, for each predicted task.
Mixtures = dict[str, dict[str, float]]
OWN = "own embeddings"
HIGHEST = 10.0  # weight; that of the thesis's table 4.15


def presets(tasks: Sequence[str]) -> dict[str, Mixtures]:
    """List mixtures by name: the tasks' own embeddings, then those of the thesis's table 4.15."""
    named = {OWN: {task: dict.fromkeys(tasks, 0.0) | {task: 1.0} for task in tasks}}
    for weights in sweep(tasks):
        name = " + ".join(f"{weight:g} {task}" for task, weight in weights.items())
        named[name] = {task: dict(weights) for task in tasks}
    return named


def mixture_of(weights: Mapping[str, Mapping[str, float]]) -> Mixtures | None:
    """Return the mixtures that are not the tasks' own embeddings; None if there are none.

    Args:
        weights: Weights by embedding, for each predicted task; a left out task keeps its own.
    """
    mixed = {
        task: dict(row)
        for task, row in weights.items()
        if any(weight != 0 for other, weight in row.items() if other != task) or not row.get(task)
    }
    return mixed or None


def cosines(embedding: TaskEmbedding, weights: Mapping[str, Mapping[str, float]]) -> Tensor:
    """Compute the cosine between the mixture of each task and the embedding of each task.

    Args:
        embedding: The task embeddings of a model.
        weights: Weights of the mixtures, of all tasks in the order of ``embedding.tasks``.

    Returns:
        (T, T): a row for each mixture.

    Raises:
        ValueError: :func:`mtlplugins.analysis.mix` refuses the weights.
    """
    with torch.no_grad():
        own = embedding(embedding.tasks)
        mixed = torch.stack([mix(embedding, weights[task]) for task in embedding.tasks])
        if embedding.shared is not None:
            mixed = mixed + embedding.shared
        return normalize(mixed, dim=1) @ normalize(own, dim=1).T
