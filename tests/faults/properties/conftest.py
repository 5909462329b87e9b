from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from mmengine.registry import DefaultScope

import mtlplugins  # noqa: F401, mends the stack before a test imports mmseg


@pytest.fixture(scope="module", autouse=True)
def _one_core_and_scope() -> Iterator[None]:
    """Compute tiny tensors on one core; find modules as with default_scope = "mmseg"."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with DefaultScope.overwrite_default_scope("mmseg"):
        yield
    torch.set_num_threads(threads)
