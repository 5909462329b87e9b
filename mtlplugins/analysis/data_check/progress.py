"""Progress report: a bar on a terminal, ten lines in a log file."""

from __future__ import annotations

import time
from typing import TextIO

_TENTH = 10


class Progress:
    """Progress of a long loop: one updated line on a terminal, a line per tenth in a file.

    Args:
        total: Number of items.
        unit: Name of the items.
        stream: Stream to write to; None to write nothing.
    """

    def __init__(self, total: int, unit: str, stream: TextIO | None) -> None:
        self.total = total
        self.unit = unit
        self.stream = stream
        self.done = 0
        self._start = time.monotonic()
        self._written = -1.0  # time (terminal) or tenth (file) of the last report
        self._terminal = stream is not None and stream.isatty()

    def advance(self, count: int, *, note: str = "") -> None:
        """Count finished items, and report if it is time."""
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
        """End the line on a terminal."""
        if self.stream is not None and self._terminal:
            self.stream.write("\n")
