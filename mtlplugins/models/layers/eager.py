"""Detection of eager execution on plain tensors, where Python side effects are safe."""

from __future__ import annotations

import torch

from mtlplugins.common.private import is_dispatch_watched, is_function_transformed


def runs_eagerly() -> bool:
    """Return whether nothing is traced, compiled, watched by a dispatch mode or transformed."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return False  # first: a compiler cannot trace the calls below
    return not is_dispatch_watched() and not is_function_transformed()
