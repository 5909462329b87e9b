"""Memory allocation of the C library (glibc)."""

from __future__ import annotations

import ctypes

# constants of glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Make malloc keep freed memory for reuse, instead of returning it to the system.

    Large blocks are not allocated by mmap, and the heap is not trimmed. Does nothing where the C
    library is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)
