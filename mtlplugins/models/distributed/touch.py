"""Zero loss that reaches parameters, so that DDP gets a gradient of each."""

from __future__ import annotations

from torch import Tensor, nn


def touch(*modules: nn.Module | None) -> Tensor | int:
    """Compute a loss of 0 whose backward pass reaches every parameter of the modules.

    Args:
        modules: Any modules; None is skipped.

    Returns:
        0, even if a parameter is NaN or infinite.
    """
    # empty slices instead of p * 0, which is NaN if a parameter is NaN or infinite
    parameters = (p for module in modules if module is not None for p in module.parameters())
    return sum(p.flatten()[:0].sum() for p in parameters)
