"""Replacement of images whose files are broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

import numpy as np

from .files import BrokenFile

#: Images tried in place of a broken one; if all are broken, more than a few files are.
_REPLACEMENTS = 10


def check_broken_files(choice: str, *, test_mode: bool) -> None:
    """Check the option ``broken_files`` of a data set.

    Raises:
        ValueError: The option is neither ``'stop'`` nor ``'skip'``, or a test would skip images.
    """
    if choice not in ("stop", "skip"):
        raise ValueError(f"broken_files={choice!r}: give 'stop' or 'skip'")
    if choice == "skip" and test_mode:
        raise ValueError("broken_files='skip' is for training: a test must score all of its images")


def load_or_replace(
    load: Callable[[int], dict],
    index: int,
    *,
    count: int,
    tasks_of: Callable[[int], Sequence[str]],
    entropy: Sequence[int],
) -> dict:
    """Load an item; if its files are broken, another that has at least the same targets.

    Args:
        load: Function that loads the item of an index.
        index: Index of the item.
        count: Number of items in the data set.
        tasks_of: Function that lists the tasks for which an item has a target.
        entropy: Numbers that determine the replacement, such as a draw's seed and number.

    Returns:
        The item. If it is a replacement, its sample's ``left_out`` has the errors of the broken
        files.

    Raises:
        BrokenFile: The replacements' files are broken too.
    """
    left_out = []
    for other in chain([index], _replacements(index, count, tasks_of, entropy)):
        try:
            item = load(other)
        except BrokenFile as error:
            left_out.append(error)
            continue
        if left_out:
            item["data_samples"].set_metainfo(dict(left_out=[str(e) for e in left_out]))
        return item
    raise BrokenFile(
        f"a broken file, and none of the {len(left_out) - 1} images tried in its place can be "
        f"read: {'; '.join(map(str, left_out[:3]))}",
        left_out[0].path,
    )


def _replacements(
    index: int, count: int, tasks_of: Callable[[int], Sequence[str]], entropy: Sequence[int]
) -> Iterator[int]:
    tasks = set(tasks_of(index))
    order = np.random.default_rng(entropy).permutation(count).tolist()
    fitting = (i for i in order if i != index and tasks <= set(tasks_of(i)))
    yield from islice(fitting, _REPLACEMENTS)  # computed only if it is asked for
