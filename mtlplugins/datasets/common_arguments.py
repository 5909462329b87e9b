"""Arguments that subclasses of ``MultiTaskDataset`` pass on to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict


class CommonArguments(TypedDict, total=False):
    """Arguments of ``MultiTaskDataset`` that subclasses pass on unchanged."""

    broken_files: str
    resident: bool
    pipeline: Sequence
    test_mode: bool
    indices: int | Sequence[int] | None
    lazy_init: bool
