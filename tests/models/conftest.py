from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

import mtlplugins  # noqa: F401, mends the stack before a test imports mmseg


@pytest.fixture(autouse=True)
def _same_numbers_every_time() -> Iterator[None]:
    """Seed, and compute tiny tensors on one core: several only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
