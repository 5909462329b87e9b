"""Number and choice of the examples of a property."""

from __future__ import annotations

from hypothesis import settings


def examples(count: int) -> settings:
    """The same examples in every run, as slow as the machine is busy."""
    return settings(max_examples=count, deadline=None, derandomize=True, database=None)
