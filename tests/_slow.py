"""Which cases of a test are left to ``make test-slow``."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def slow_except(cases: Iterable, *fast: object) -> list:
    """Mark all cases as slow but those named; one that is not there is an error."""
    cases = list(cases)
    unknown = [case for case in fast if case not in cases]
    if unknown:
        raise ValueError(f"no such case: {unknown}; there are {cases}")
    return [case if case in fast else pytest.param(case, marks=pytest.mark.slow) for case in cases]
