"""Progress bar on a terminal, and a line per tenth in a log file."""

from __future__ import annotations

import time
from typing import TextIO

_TENTH = 10


class Progress:
    """Say how far a long loop is: on a terminal in one line, in a file with a line per tenth.

    Args:
        total: Number of things to do.
        unit: What they are called.
        stream: Where to write; None for nowhere.
    """

    def __init__(self, total: int, unit: str, stream: TextIO | None) -> None:
        self.total = total
        self.unit = unit
        self.stream = stream
        self.done = 0
        self._start = time.monotonic()
        self._written = -1.0  # time, or tenth
        self._terminal = stream is not None and stream.isatty()

    def advance(self, count: int, *, note: str = "") -> None:
        """Count things that are done."""
        self.done += count
        if self.stream is None:
            return
        now = time.monotonic()
        mark = now if self._terminal else self.done * _TENTH // max(self.total, 1)
        if mark - self._written < (0.2 if self._terminal else 1) and self.done < self.total:
            return
        self._written = mark
        rate = self.done / max(now - self._start, 1e-3)
        left = (self.total - self.done) / rate if rate else 0
        line = (
            f"{self.done}/{self.total} {self.unit}, {rate:.0f}/s, {left:.0f} s left"
            f"{f' ({note})' if note else ''}"
        )
        self.stream.write(f"\r{line:<70}" if self._terminal else f"{line}\n")
        self.stream.flush()

    def close(self) -> None:
        """Leave the line."""
        if self._terminal:
            self.stream.write("\n")
