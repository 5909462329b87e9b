"""A zero that gives parameters a gradient."""

from __future__ import annotations

from torch import Tensor, nn


def touch(*modules: nn.Module | None) -> Tensor | int:
    """Make a loss of 0 whose backward pass reaches every parameter of the modules.

    Args:
        modules: Any modules; None counts as one without parameters.

    Returns:
        0, also where a parameter is NaN or infinite.
    """
    # empty slices and not p * 0, which a NaN or inf in a parameter would survive
    parameters = (p for module in modules if module is not None for p in module.parameters())
    return sum(p.flatten()[:0].sum() for p in parameters)
