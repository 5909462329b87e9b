"""Multi-task vision plugins for MMSegmentation."""

from __future__ import annotations

from typing import Any

# isort: off
# First: the workarounds must be applied before anything else is imported.
from mtlplugins import compat  # noqa: F401

# What follows registers the modules that configs name.
from mtlplugins import config, datasets, engine, evaluation, models, visualization  # noqa: F401
# isort: on

__version__ = "0.1.0"
__all__ = ["predict", "test", "train"]


def __getattr__(name: str) -> Any:
    # imported when asked for: training needs nothing of prediction
    if name in __all__:
        from mtlplugins import apis

        return getattr(apis, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
