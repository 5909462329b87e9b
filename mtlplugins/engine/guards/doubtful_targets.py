"""Sample-based check of training targets: classes that never occur, tasks of a single value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from mtlplugins.common.dataset_leaves import leaf_datasets

_MOST = 500  # images read per task; a few usually contain all classes


def doubtful_targets(dataset: Any, tasks: Iterable[str]) -> Iterator[str]:
    """Find the tasks of a data set that cannot be learnt as they are declared.

    Reads at most 500 targets per task, in a fixed random order, until all its classes were seen.
    Generated data sets, and targets that cannot be read, are skipped.

    Args:
        dataset: The training data set; may wrap or join others.
        tasks: The trained tasks.

    Yields:
        One sentence per problem, with counts.
    """
    parts = [p for p in leaf_datasets(dataset) if hasattr(p, "target_types") and not p.generated]
    for task in tasks:
        yield from _doubts([part for part in parts if task in part.target_types], task)


def _doubts(parts: list[Any], task: str) -> Iterator[str]:
    images = [(part, index) for part in parts for index in range(len(part))]
    order = np.random.default_rng(0).permutation(len(images))[:_MOST]
    tally = target = None
    for part, index in (images[i] for i in order):
        target = part.target_types[task]
        source = part.get_data_info(index).get("target_sources", {}).get(task)
        if source is None:
            continue
        try:
            value = target.load(source)
        except (OSError, ValueError):  # broken files have a hook of their own
            continue
        found = target.tally(value)
        if tally is None:
            tally = found
        else:
            tally.add(found)
        if not any(tally.doubts(task, target)):
            return
    if tally is not None:
        yield from tally.doubts(task, target, of_images=len(images))
