"""Groupings of tasks into networks, ranked by the affinity of their members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan, nan
from statistics import fmean
from typing import NamedTuple

import numpy as np

#: The most tasks whose groupings are listed; their number grows like Bell's, 4140 for eight.
MOST_TASKS = 8

Group = tuple[str, ...]


class Grouping(NamedTuple):
    """Division of the tasks among networks.

    Attributes:
        groups: The tasks of each network.
        score: Mean over tasks of what the others in its network do for it, in percent; 0 for a task
            alone.
        measured: Δm of trained networks, in percent; None where one of them is missing.
    """

    groups: tuple[Group, ...]
    score: float
    measured: float | None


def partitions(tasks: Sequence[str]) -> Iterator[tuple[Group, ...]]:
    """Yield all divisions of the tasks into groups, each in the order of the tasks."""
    if not tasks:
        yield ()
        return
    *others, last = tasks
    for groups in partitions(others):
        for i, group in enumerate(groups):
            yield (*groups[:i], (*group, last), *groups[i + 1 :])
        yield (*groups, (last,))


def ranked(
    tasks: Sequence[str],
    affinity: Sequence[Sequence[float]],
    measured: Mapping[frozenset[str], Mapping[str, float]] | None = None,
) -> list[Grouping]:
    """Rank all groupings whose affinities are known, the best score first.

    As TAG does (Fifty et al. 2021, arXiv:2109.04617, section 3.2): the score of a task is the mean
    of the affinities of the others in its group onto it, of a grouping the mean over tasks.

    Args:
        tasks: The tasks; none for more than :data:`MOST_TASKS`.
        affinity: Of task i onto task j at ``[i][j]``, such as :func:`.look_ahead.look_ahead`'s.
        measured: By trained group the gain of each of its tasks over single-task runs, in percent.
    """
    if len(tasks) > MOST_TASKS:
        return []
    number = {task: i for i, task in enumerate(tasks)}
    found = []
    for groups in partitions(tasks):
        scores, gains = [], []
        for group in groups:
            for task in group:
                onto = [affinity[number[o]][number[task]] for o in group if o != task]
                scores.append(fmean(onto) if onto else 0.0)
                alone = 0.0 if len(group) == 1 else nan
                gains.append((measured or {}).get(frozenset(group), {}).get(task, alone))
        gain = None if not measured or any(map(isnan, gains)) else fmean(gains)
        found.append(Grouping(groups, fmean(scores), gain))
    known = [g for g in found if not isnan(g.score)]
    return sorted(known, key=lambda g: (-g.score, len(g.groups)))


def rank_correlation(groupings: Sequence[Grouping]) -> float | None:
    """Compute Spearman's correlation of scores and measured gains; None below three of them."""
    pairs = [(g.score, g.measured) for g in groupings if g.measured is not None]
    if len(pairs) < 3:
        return None
    ranks = np.stack([_ranks(column) for column in np.array(pairs).T])
    if not np.ptp(ranks, axis=1).all():
        return None
    return float(np.corrcoef(ranks)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Rank the values, equal ones by the mean of their ranks."""
    below = (values[:, None] > values).sum(1)
    return below + ((values[:, None] == values).sum(1) - 1) / 2
