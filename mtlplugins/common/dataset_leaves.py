"""Innermost data sets of wrapped, repeated and concatenated ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def parts_of(dataset: Any) -> Iterator[Any]:
    """Give the innermost data sets of one that may wrap or join others, in order."""
    if hasattr(dataset, "datasets"):
        for part in dataset.datasets:
            yield from parts_of(part)
    elif hasattr(dataset, "dataset"):
        yield from parts_of(dataset.dataset)
    else:
        yield dataset
