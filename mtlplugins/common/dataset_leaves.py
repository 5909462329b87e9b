"""Unwrapping of repeated, concatenated and otherwise wrapped data sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def leaf_datasets(dataset: Any) -> Iterator[Any]:
    """Yield the innermost data sets below wrappers (``dataset``, ``datasets``), in order."""
    if hasattr(dataset, "datasets"):
        for part in dataset.datasets:
            yield from leaf_datasets(part)
    elif hasattr(dataset, "dataset"):
        yield from leaf_datasets(dataset.dataset)
    else:
        yield dataset
