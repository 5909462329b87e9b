"""What holds for every test."""

from __future__ import annotations

import gc

import pytest

from tests._instances import forget_runs


def pytest_collection_finish() -> None:
    """Exempt what importing made from garbage collection.

    MMEngine's data sets call ``gc.collect()`` when they are built, which takes a large fraction of
    a second with the objects of PyTorch and the mm packages in memory.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_instances_of_earlier_tests() -> None:
    """Folders of passed tests are removed, and the next test's may have the same name."""
    forget_runs()
