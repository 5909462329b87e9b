"""Arguments that the data sets made of ``MultiTaskDataset`` hand on to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict


class CommonArguments(TypedDict, total=False):
    """Arguments of ``MultiTaskDataset`` that subclasses hand on as they are."""

    broken_files: str
    resident: bool
    pipeline: Sequence
    test_mode: bool
    indices: int | Sequence[int] | None
    lazy_init: bool
