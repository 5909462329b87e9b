"""Methods that weight tasks by their gradients, by the aggregators of TorchJD 0.18.

All take the arguments of :class:`GradientBalancing`.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar

import torch
from mmseg.registry import MODELS
from torch import Tensor

from .base import missing
from .gradient_balancing import REGULARISATION, GradientBalancing


class _TorchJD(GradientBalancing):
    """Base of the methods that need TorchJD; the error without it has the install command."""

    def prepare(self) -> None:
        """Look for TorchJD."""
        try:
            import_module("torchjd")
        except ImportError as error:
            raise missing(self, "torchjd>=0.18,<0.19") from error

    @property
    def aggregation(self) -> ModuleType:
        """TorchJD's aggregators; not stored, because modules cannot be copied with a model."""
        return import_module("torchjd.aggregation")


class _Projecting(_TorchJD):
    """Base of the methods that project onto the dual cone: gradients that conflict with no task.

    The cone does not change with the lengths of the rows, so unit rows are projected, and their
    lengths are preferences. Without that a short row counts for nothing beside a long one.
    """

    def prepare(self) -> None:
        """Make the projector, which needs a solver."""
        super().prepare()
        projector = import_module("torchjd.linalg").QuadprogProjector
        try:
            self._projector = projector(norm_eps=0.0, reg_eps=REGULARISATION)
        except ImportError as error:
            raise missing(self, "torchjd[quadprog-projector]>=0.18,<0.19") from error


@MODELS.register_module()
class UPGrad(_Projecting):
    """The mean of the tasks' gradients, each projected so that it conflicts with no task.

    Quinton and Rey 2024, Jacobian Descent for Multi-Objective Optimization (arXiv:2406.16232).
    """

    def weights(self, cosines: Tensor, lengths: Tensor) -> Tensor:
        """Project each row."""
        preference = lengths / len(lengths)
        return self.aggregation.UPGradWeighting(preference, self._projector)(cosines)


@MODELS.register_module()
class DualProj(_Projecting):
    """The mean of the tasks' gradients, projected so that it conflicts with no task.

    Lopez-Paz and Ranzato 2017, Gradient Episodic Memory (arXiv:1706.08840), equation 11.
    """

    def weights(self, cosines: Tensor, lengths: Tensor) -> Tensor:
        """Project the mean."""
        preference = lengths / len(lengths)
        return self.aggregation.DualProjWeighting(preference, self._projector)(cosines)


class _Weighting(_TorchJD):
    """Base of the methods that TorchJD computes from the Gramian of the rows as they are."""

    #: Name of TorchJD's class.
    weighting_name: ClassVar[str]

    def weights(self, cosines: Tensor, lengths: Tensor) -> Tensor:
        """Weight the rows, then the unit rows."""
        return self.weighting()(cosines * lengths * lengths[:, None]) * lengths

    def weighting(self) -> Any:
        """Make TorchJD's weighting."""
        return getattr(self.aggregation, self.weighting_name)()


@MODELS.register_module()
class MGDA(_Weighting):
    """The shortest convex combination of the tasks' gradients.

    Sener and Koltun 2018 (arXiv:1810.04650), by Frank and Wolfe's iterations.
    """

    def weighting(self) -> Any:
        """Make TorchJD's weighting."""
        return self.aggregation.MGDAWeighting(epsilon=1e-6, max_iters=1000)


@MODELS.register_module()
class IMTLG(_Weighting):
    """A gradient with the same projection onto each task's gradient, the weights adding up to 1.

    Liu et al. 2021, Towards Impartial Multi-Task Learning (ICLR).
    """

    weighting_name = "IMTLGWeighting"


@MODELS.register_module()
class AlignedMTL(_Weighting):
    """The mean of the tasks' gradients after their principal components are made equally long.

    Senushkin et al. 2023 (arXiv:2305.19000).
    """

    weighting_name = "AlignedMTLWeighting"


@MODELS.register_module()
class PCGrad(_Weighting):
    """The sum of the tasks' gradients, each without its conflicts with others in random order.

    Yu et al. 2020, Gradient Surgery for Multi-Task Learning (arXiv:2001.06782).
    """

    weighting_name = "PCGradWeighting"


@MODELS.register_module()
class ConFIG(_TorchJD):
    """A gradient with the same angle to each task's, as long as the sum of its projections.

    Liu et al. 2024, ConFIG: Towards Conflict-free Training (arXiv:2408.11104), equation 2.
    """

    def weights(self, cosines: Tensor, lengths: Tensor) -> Tensor:
        """Compute TorchJD's result in the coordinates of a square root of the Gramian."""
        values, vectors = torch.linalg.eigh(cosines)
        root = vectors * values.clamp(min=0).sqrt()
        combined = self.aggregation.ConFIG()(root * lengths[:, None])
        return torch.linalg.pinv(root.T) @ combined
