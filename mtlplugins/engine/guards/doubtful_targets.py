"""Sample-based check of training targets: absent classes, single values, impossible values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from mtlplugins.common.dataset_leaves import leaf_datasets

_MOST = 500  # images read per task; a few usually contain all classes


def doubtful_targets(
    dataset: Any, tasks: Iterable[str], heads: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[str]:
    """Find the tasks of a data set that cannot be learnt as they are declared.

    Reads at most 500 targets per task, in a fixed random order, until all its classes were seen.
    Generated data sets, and targets that cannot be read, are skipped.

    Args:
        dataset: The training data set; may wrap or join others.
        tasks: The trained tasks.
        heads: Configs of their heads, for the range that they predict.

    Yields:
        One sentence per problem, with counts.
    """
    parts = [p for p in leaf_datasets(dataset) if hasattr(p, "target_types") and not p.generated]
    for task in tasks:
        own = [part for part in parts if task in part.target_types]
        yield from _doubts(own, task, heads.get(task) or {})


def _doubts(parts: list[Any], task: str, head: Mapping[str, Any]) -> Iterator[str]:
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
        found = target.tally(value, head)
        if tally is None:
            tally = found
        else:
            tally.add(found)
        if not tally.misfit(task, target, head) and not any(tally.doubts(task, target)):
            return
    if tally is None:
        return
    if misfit := tally.misfit(task, target, head):
        yield misfit
    yield from tally.doubts(task, target, of_images=len(images))
