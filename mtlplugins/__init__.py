"""Multi-task vision plugins for MMSegmentation."""

from __future__ import annotations

# isort: off
# First: whatever is imported next needs the stack mended.
from mtlplugins import compat  # noqa: F401

# What follows registers the modules that configs name.
from mtlplugins import datasets, engine, evaluation, models, visualization  # noqa: F401
# isort: on

__version__ = "0.1.0"
