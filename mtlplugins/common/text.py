"""Text helpers for log lines and error messages."""

from __future__ import annotations

from collections.abc import Iterable


def few(names: Iterable[str], count: int = 3) -> str:
    """Join the first few names, followed by the number of others."""
    names = list(names)
    more = f", … {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more
