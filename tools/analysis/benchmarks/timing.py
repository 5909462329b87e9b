"""Interleaved timing of cases, with median and quartiles."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of a case, in seconds."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, seconds: list[float]) -> Spread:
        """Compute the spread of measurements."""
        return cls(*(float(q) for q in np.quantile(seconds, [0.25, 0.5, 0.75])))

    def __str__(self) -> str:
        return f"{1e3 * self.median:.4g} ({1e3 * self.low:.4g}–{1e3 * self.high:.4g})"


def interleaved(
    cases: Mapping[str, Callable[[], Any]],
    *,
    rounds: int,
    warmup: int = 2,
    wait: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Spread]:
    """Time all cases once per round, so that a slow phase of the machine affects all of them.

    Args:
        cases: Functions to time, by name.
        rounds: Number of measurements per case.
        warmup: Number of rounds before, which are not counted.
        wait: Waits until the device has finished.
        clock: Returns the time in seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(warmup + rounds):
        for name, case in cases.items():
            wait()
            began = clock()
            case()
            wait()
            if number >= warmup:
                seconds[name].append(clock() - began)
    return {name: Spread.of(values) for name, values in seconds.items()}
