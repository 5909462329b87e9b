"""Base of the methods that weight tasks by their gradients."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import torch
from mmengine.dist import all_reduce
from mmengine.logging import print_log
from torch import Tensor

from .base import Balancing

#: Added to the Gramian of unit rows, divided by its trace: far below float64's square root.
REGULARISATION = 1e-9


class GradientBalancing(Balancing):
    """One gradient for what the tasks share, combined from one gradient of each task.

    The tasks' gradients are the rows of a matrix, averaged over processes before they are combined.
    A row of zeros, such as that of a task without targets, is left out. Decoders and heads are
    trained by their own task's gradient. The config's ``model.task_weights`` multiply the losses,
    so the rows.

    Every method is given rows of unit length and their lengths, relative to the root mean square of
    all, in float64, and its result is scaled back. So it depends on no threshold of a solver, and
    gradients that are c times as large give a result c times as large.

    A solver that fails uses the weights of its last success, equal ones at first; this is counted
    in ``failures`` and logged. A gradient that is not finite is not combined: the plain sum goes
    on, which the guards against such gradients then find, and the tasks are logged.

    Args:
        tasks: See :class:`Balancing`.
        at: ``'parameters'``: the gradients are those with respect to the parameters of encoder and
            neck. ``'features'``: with respect to the maps at the branch point, which costs one
            backward pass through the shared part instead of one per task; blocks after it are
            trained by the sum.
        task_weights: See :class:`Balancing`.

    Raises:
        ValueError: There are fewer than two tasks, or ``at`` is something else.
    """

    known_before = True
    needs_gradients = True

    #: Shares (T,) of the last rows in the sum of their lengths; empty before the first.
    shares: Tensor = torch.empty(0)

    seed: Tensor
    steps: Tensor
    failures: Tensor
    last_weights: Tensor

    def __init__(
        self,
        tasks: Sequence[str],
        *,
        at: str = "parameters",
        task_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(tasks, task_weights=task_weights)
        if at not in ("parameters", "features"):
            raise ValueError(
                f"model.balancing={type(self).__name__}: at={at!r}: give 'parameters' or 'features'"
            )
        self.at = at
        # not drawn, or the method would change the weights that a model starts from
        self.register_buffer("seed", torch.tensor(torch.initial_seed() % 2**40))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("failures", torch.zeros((), dtype=torch.int64))
        equal = torch.full((len(self.tasks),), 1 / len(self.tasks), dtype=torch.float64)
        self.register_buffer("last_weights", equal)
        self.prepare()

    def prepare(self) -> None:
        """Check what a method without options of its own needs; called when it is built.

        Raises:
            ImportError: A package is missing.
            ValueError: The method has no form for ``at``.
        """

    def forward(self, losses: Mapping[str, Tensor]) -> dict[str, float | Tensor]:
        """Give each task its weight from the config; its gradient is weighted later."""
        return {task: self.task_weights.get(task, 1.0) for task in losses}

    def combine(self, rows: Tensor) -> Tensor:
        """Combine the tasks' gradients.

        Args:
            rows: The columns of them that this process has (T, P). The processes have different
                columns: of parameters, each a part, averaged over processes; of features, those of
                its own images.

        Returns:
            The same columns (P,) of the gradient.
        """
        with torch.autocast(rows.device.type, enabled=False):  # it would round the products
            return self._combine(rows)

    def _combine(self, rows: Tensor) -> Tensor:
        products = gramian(rows)
        all_reduce(products, "sum")  # of Gramians of columns, not of means: it is the whole one
        lengths = products.diagonal()
        self.shares = lengths.sqrt() / lengths.sqrt().sum().clamp_min(1e-300)
        self.steps += 1
        present = lengths.nonzero().flatten()
        finite = lengths.isfinite()
        if not finite.all():
            names = ", ".join(repr(self.tasks[i]) for i in (~finite).nonzero().flatten().tolist())
            _warn(f"the gradient of task {names} with respect to the {self.at} is not finite")
            return rows.sum(0)
        if not len(present):
            return rows.sum(0)
        return self.combine_present(rows, products[present][:, present], present)

    def combine_present(self, rows: Tensor, products: Tensor, present: Tensor) -> Tensor:
        """Combine some of the rows: here, by :meth:`weights`.

        Args:
            rows: All (T, P), the columns of this process.
            products: The Gramian of those that are not zero (n, n).
            present: Their indices (n,).
        """
        lengths = products.diagonal().sqrt()
        scale = lengths.square().mean().sqrt()
        cosines = products / lengths / lengths[:, None]
        weights = torch.zeros(len(rows), dtype=products.dtype, device=products.device)
        weights[present] = self._solve(cosines, lengths / scale, present) * scale / lengths
        return weights.to(rows) @ rows

    def weights(self, cosines: Tensor, lengths: Tensor) -> Tensor:
        """Compute the weights of n unit rows; on the CPU, in float64.

        Args:
            cosines: Of the angles between the rows (n, n): their Gramian.
            lengths: Of the rows before they became units (n,), their mean square 1.

        Returns:
            The weights (n,) by which the unit rows are added up.
        """
        raise NotImplementedError

    def _solve(self, cosines: Tensor, lengths: Tensor, present: Tensor) -> Tensor:
        """Compute the weights of the present unit rows, or of the last success."""
        try:
            with torch.random.fork_rng(devices=[]):
                # drawn alike in every process and after resuming
                torch.manual_seed(int(self.seed + self.steps))
                weights = self.weights(cosines.cpu(), lengths.cpu()).to(cosines)
            problem = "" if weights.isfinite().all() else "its weights are not finite"
        except (ValueError, RuntimeError, ArithmeticError) as error:
            problem = str(error)
        if problem:
            self.failures += 1
            _warn(
                f"model.balancing={type(self).__name__} found no weights ({problem}); it uses its "
                f"last ones, the {int(self.failures)}. time"
            )
            return self.last_weights[present].to(lengths) * lengths
        self.last_weights[present] = (weights / lengths).to(self.last_weights)
        return weights


def gramian(rows: Tensor) -> Tensor:
    """Return the scalar products of rows (T, P) with each other, (T, T) in float64."""
    total = torch.zeros(len(rows), len(rows), dtype=torch.float64, device=rows.device)
    for part in rows.split(2**20, dim=1):  # a copy in float64 of a part at a time
        part = part.double()
        total += part @ part.T
    return total


def _warn(message: str) -> None:
    print_log(message, "current", logging.WARNING)
