"""Gradients that divide the gains of a step fairly among the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmseg.registry import MODELS
from torch import Tensor

from .base import check_positive
from .gradient_balancing import REGULARISATION, GradientBalancing

_ITERATIONS = 200
_TOLERANCE = 1e-5  # of each row's gain


@MODELS.register_module()
class FairGrad(GradientBalancing):
    """Weights w with G w = w^(-1/alpha), G the Gramian: the larger ``alpha``, the more equal gains.

    Ban and Ji 2024 (arXiv:2402.15638), equation 4. No gain of a task is negative. The equation says
    where a convex function has its minimum, which is found by Newton's method.

    Args:
        tasks: See :class:`GradientBalancing`.
        alpha: Fairness.
        at: See :class:`GradientBalancing`.
        task_weights: See :class:`GradientBalancing`.

    Raises:
        ValueError: ``alpha`` is not above 0, or there are fewer than two tasks.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        alpha: float = 2.0,
        at: str = "parameters",
        task_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(tasks, at=at, task_weights=task_weights)
        check_positive(self, alpha=alpha)
        self.alpha = alpha

    def weights(self, cosines: Tensor, lengths: Tensor) -> Tensor:
        """Solve the equation for the weights of unit rows."""
        return _fair(cosines, lengths ** (1 / self.alpha - 1), self.alpha)


@MODELS.register_module()
class NashMTL(GradientBalancing):
    """The Nash bargaining solution: weights w with G w = 1 / w, G the Gramian.

    Navon et al. 2022, Multi-Task Learning as a Bargaining Game (arXiv:2202.01017). The lengths of
    the tasks' gradients do not change the direction, and no task loses. The paper's result for n
    tasks has the length √n whatever the gradients'; here it is √n times their root mean square. It
    is computed anew in each step, without the paper's approximation.

    Args:
        tasks: See :class:`GradientBalancing`.
        at: See :class:`GradientBalancing`.
        task_weights: See :class:`GradientBalancing`.
    """

    def weights(self, cosines: Tensor, lengths: Tensor) -> Tensor:
        """Solve the equation for the weights of unit rows."""
        return _fair(cosines, torch.ones_like(lengths), 1.0)


def _fair(cosines: Tensor, factors: Tensor, alpha: float) -> Tensor:
    """Solve C v = b v^(-1/alpha) by Newton's method, damped to keep v positive.

    Args:
        cosines: C (n, n), of unit rows; positive semidefinite.
        factors: b (n,), positive.
        alpha: A number above 0.

    Raises:
        ArithmeticError: It does not converge.
    """
    # without it opposite rows of equal length have no solution
    products = cosines + REGULARISATION * torch.eye(len(cosines)).to(cosines)

    def slope(v: Tensor) -> Tensor:
        return products @ v - factors * v ** (-1 / alpha)

    v = factors ** (alpha / (1 + alpha))  # the solution for orthogonal rows
    for _ in range(_ITERATIONS):
        right = factors * v ** (-1 / alpha)
        gradient = slope(v)
        if (gradient.abs() <= _TOLERANCE * right).all():
            return v
        direction = -torch.linalg.solve(products + (right / v / alpha).diag(), gradient)
        descent = gradient @ direction
        length = min(1.0, 0.9 / float((-direction / v).max().clamp(min=1e-300)))
        # the slope along the line grows: stop far enough before it is as steep the other way
        while slope(v + length * direction) @ direction > -0.9 * descent:
            length /= 2
        v = v + length * direction
    raise ArithmeticError(f"no convergence in {_ITERATIONS} iterations")
