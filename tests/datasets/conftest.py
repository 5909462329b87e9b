from __future__ import annotations

from collections.abc import Iterator

import pytest
from mmengine.registry import DefaultScope

import mtlplugins  # noqa: F401


@pytest.fixture(autouse=True)
def scope() -> Iterator[None]:
    """Find modules by name as under a config with default_scope = "mmseg"."""
    with DefaultScope.overwrite_default_scope("mmseg"):
        yield
