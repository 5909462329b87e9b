"""Text of log lines and error messages."""

from __future__ import annotations

from collections.abc import Iterable


def few(names: Iterable[str], count: int = 3) -> str:
    """Join the first few names and say how many more there are."""
    names = list(names)
    more = f", … {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more
