"""Conflict-averse gradient descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor

from .base import check_positive, missing
from .gradient_balancing import GradientBalancing

#: Added to the Gramian, whose rows have a mean square of 1: the solver needs full rank.
_REGULARISATION = 1e-12


@MODELS.register_module()
class CAGrad(GradientBalancing):
    """The gradient within c times the mean's length of the mean that helps the worst task most.

    Liu et al. 2021, Conflict-Averse Gradient Descent (arXiv:2110.14048), Algorithm 1. From c = 1
    on, it conflicts with no task.

    Args:
        tasks: See :class:`GradientBalancing`.
        c: Radius; 0 gives the mean, a large one MGDA's direction.
        at: See :class:`GradientBalancing`.
        task_weights: See :class:`GradientBalancing`.

    Raises:
        ValueError: ``c`` is not above 0, or there are fewer than two tasks.
        ImportError: The package ``quadprog`` is not installed.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        c: float = 0.5,
        at: str = "parameters",
        task_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(tasks, at=at, task_weights=task_weights)
        check_positive(self, c=c)
        self.c = c
        self._quadprog()

    def weights(self, cosines: Tensor, lengths: Tensor) -> Tensor:
        """Bisect for the multiplier μ whose solution, mean + μ · Σ w g, is on the ball's surface.

        For a given μ, w minimises w · G m + μ/2 w · G w on the simplex, m the weights of the mean:
        the stationary points are those of the paper's objective. The distance from the mean grows
        with μ.
        """
        count = len(lengths)
        products = cosines * lengths * lengths[:, None]
        products = products + _REGULARISATION * torch.eye(count).to(products)
        mean = torch.full_like(lengths, 1 / count)
        radius = self.c * (mean @ products @ mean).sqrt()
        low, high = -30.0, 30.0  # logarithms
        for _ in range(60):
            middle = (low + high) / 2
            shares = self._shares(products, mean, 2.0**middle)
            far = 2.0**middle * (shares @ products @ shares).sqrt() > radius
            low, high = (low, middle) if far else (middle, high)
        shares = self._shares(products, mean, 2.0**low)
        return (mean + 2.0**low * shares) * lengths

    def _shares(self, products: Tensor, mean: Tensor, multiplier: float) -> Tensor:
        """Minimise w · G m + μ/2 w · G w over w ≥ 0, Σ w = 1."""
        constraints = torch.cat([torch.ones_like(mean)[:, None], torch.eye(len(mean))], 1)
        bounds = torch.tensor([1.0] + [0.0] * len(mean))
        found = self._quadprog().solve_qp(
            products.numpy(),
            (-(products @ mean) / multiplier).numpy(),
            constraints.double().numpy(),
            bounds.double().numpy(),
            1,
        )
        return torch.from_numpy(found[0]).to(products)

    def _quadprog(self) -> Any:
        try:
            return import_module("quadprog")
        except ImportError as error:
            raise missing(self, "mtlplugins[balancing]") from error
