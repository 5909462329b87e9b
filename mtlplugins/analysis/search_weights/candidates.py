"""Candidates of a search: weights by task, and how long those that are left train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import isfinite

#: Weight by task.
Weights = dict[str, float]


def parse_values(words: Sequence[str], tasks: Sequence[str]) -> dict[str, list[float]]:
    """Parse words such as ``depth=1,10``.

    Raises:
        ValueError: A task is unknown or given twice, or a weight is no number above 0.
    """
    found: dict[str, list[float]] = {}
    for word in words:
        task, _, text = word.partition("=")
        if task not in tasks:
            raise ValueError(f"--weights {word}: no task {task!r}; there are {', '.join(tasks)}")
        if task in found:
            raise ValueError(f"--weights: {task!r} is given twice; list its weights by commas")
        try:
            values = [float(number) for number in text.split(",")]
        except ValueError:
            values = []
        if not values or not all(isfinite(v) and v > 0 for v in values):
            raise ValueError(f"--weights {word}: give numbers above 0, such as {task}=0.5,1,2")
        found[task] = list(dict.fromkeys(values))
    return found


def grid(values: Mapping[str, Sequence[float]], reference: Mapping[str, float]) -> list[Weights]:
    """List all combinations of the values, behind the reference, which is always the first.

    Args:
        values: Weights to try, by task.
        reference: Weights of all tasks in the config, which the others are compared with.
    """
    tried = [
        dict(reference) | dict(zip(values, combination, strict=True))
        for combination in product(*values.values())
    ]
    return [dict(reference), *(weights for weights in tried if weights != reference)]


def name_of(weights: Weights) -> str:
    """Name a candidate, also as a folder: ``semantic-1_depth-10``."""
    return "_".join(f"{task}-{weight:g}" for task, weight in weights.items())


def rungs(candidates: int, epochs: int, factor: int | None) -> list[tuple[int, int]]:
    """Plan the rungs of successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943).

    Each rung trains ``factor`` times as long as the one before, and the best ``1 / factor`` of its
    candidates go on, so that all rungs cost about the same. The last trains for ``epochs``.

    Args:
        candidates: Number of candidates.
        epochs: Length of the last rung.
        factor: The factor, 2 or more; None for a grid, whose candidates all train to the end.

    Returns:
        Number of candidates and epochs of each rung. No rung trains for less than an epoch, so a
        short training has fewer.
    """
    if factor is None:
        return [(candidates, epochs)]
    counts, lengths = [candidates], [epochs]
    while counts[-1] > 1 and lengths[0] // factor >= 1:
        counts.append(-(-counts[-1] // factor))
        lengths.insert(0, lengths[0] // factor)
    return list(zip(counts, lengths, strict=True))
