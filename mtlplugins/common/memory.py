"""Memory allocation of the C library (glibc)."""

from __future__ import annotations

import ctypes

# of glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Let malloc neither map large blocks apart nor give back the end of the heap.

    Where the C library is another than glibc nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)
