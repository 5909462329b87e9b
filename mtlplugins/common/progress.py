"""Progress report of a long loop: a bar on a terminal, few lines in a log file."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TextIO, TypeVar

_Item = TypeVar("_Item")

_TENTH = 10
_WIDTH = 20  # characters of the bar
_SILENCE = 300  # seconds after which a log file gets a line, whatever has been done


class Progress:
    """Progress of a long loop: one updated line on a terminal; in a file a line per tenth.

    A loop that takes long writes a line to the file every five minutes too.

    Args:
        total: Number of items.
        unit: Name of the items.
        stream: Stream to write to; None to write nothing.
        done: Number of items that were finished before, for example in a resumed run.
    """

    def __init__(self, total: int, unit: str, stream: TextIO | None, *, done: int = 0) -> None:
        self.total = total
        self.unit = unit
        self.stream = stream
        self.done = self._begun = done
        self._start = self._written = time.monotonic()
        self._tenth = -1  # the first items are reported at once
        self._terminal = stream is not None and stream.isatty()

    def advance(self, count: int, *, note: Callable[[], str] = str) -> None:
        """Count finished items, and report if it is time.

        Args:
            count: Number of items.
            note: Returns what to write behind the numbers; called only for a report.
        """
        self.done += count
        if self._is_due():
            self._report(note())

    def _report(self, note: str) -> None:
        assert self.stream is not None
        self._written, self._tenth = time.monotonic(), self._tenths()
        rate = (self.done - self._begun) / max(self._written - self._start, 1e-3)
        left = timedelta(seconds=round((self.total - self.done) / rate)) if rate else "?"
        line = f"{self.done}/{self.total} {self.unit}, {rate:.3g}/s, {left} left"
        line += f" ({note})" if note else ""
        if self._terminal:
            full = _WIDTH * self.done // max(self.total, 1)
            line = f"[{'=' * full}{' ' * (_WIDTH - full)}] {line}"
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(f"\r{line[:width]:<{width}}")
        else:
            self.stream.write(f"{line}\n")
        self.stream.flush()

    def close(self) -> None:
        """End the line on a terminal."""
        if self.stream is not None and self._terminal:
            self.stream.write("\n")
            self.stream.flush()

    def _tenths(self) -> int:
        return self.done * _TENTH // max(self.total, 1)

    def _is_due(self) -> bool:
        if self.stream is None:
            return False
        waited = time.monotonic() - self._written
        if self._terminal:
            return self._tenth < 0 or waited >= 0.2 or self.done >= self.total
        return self._tenths() > self._tenth or waited >= _SILENCE


def track(items: Sequence[_Item], unit: str) -> Iterator[_Item]:
    """Iterate over items, and report the progress on standard error."""
    progress = Progress(len(items), unit, sys.stderr)
    for item in items:
        yield item
        progress.advance(1)
    progress.close()
