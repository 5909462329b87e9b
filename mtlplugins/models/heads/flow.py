"""Head for optical flow and disparity."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.kinds import part_of_kind

from .values import MEAN_ABSOLUTE_ERROR, ValuesHead


@MODELS.register_module()
@part_of_kind("values", "head")
class FlowHead(ValuesHead):
    """Displacements to the right and down, or to the right alone, in pixels.

    Args:
        in_channels: Channels of the decoder's map.
        num_values: 2, or 1 for displacements to the right, such as disparity.
        mean: Mean of the displacements, in pixels.
        std: Their standard deviation, > 0.
        loss: As of :class:`ValuesHead`.
        uncertainty: As of :class:`ValuesHead`.

    Raises:
        ValueError: ``num_values`` is neither 1 nor 2, ``std`` is not positive, or a loss does not
            fit.
    """

    mirrors = True

    def __init__(
        self,
        in_channels: int,
        num_values: int = 2,
        *,
        mean: float = 0.0,
        std: float = 1.0,
        loss: dict | Sequence[dict] = MEAN_ABSOLUTE_ERROR,
        uncertainty: bool = False,
    ) -> None:
        if num_values not in (1, 2):
            raise ValueError(
                f"FlowHead: num_values={num_values}: give 2 (right, down) or 1 (right); ValuesHead "
                "takes any number"
            )
        super().__init__(
            in_channels, num_values, mean=mean, std=std, loss=loss, uncertainty=uncertainty
        )

    def mirror(self, logits: Tensor) -> Tensor:
        """Negate the displacement to the right; its uncertainty stays."""
        right = -logits[:, :1] - 2 * self.mean / self.std  # (-value - mean) / std
        return torch.cat([right, logits[:, 1:]], dim=1)
