"""What holds for every test."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Exempt what importing made from garbage collection.

    MMEngine's data sets call ``gc.collect()`` when they are built, which takes a large fraction of
    a second with the objects of PyTorch and the mm packages in memory.
    """
    gc.collect()
    gc.freeze()
