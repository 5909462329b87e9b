"""Head for numbers per pixel."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.kinds import part_of_kind
from mtlplugins.models.losses.gaussian import deviation, gaussian_nll
from mtlplugins.models.losses.of_measures import measure_criterion
from mtlplugins.structures import data_of

from .base import DenseHead

#: The default loss.
MEAN_ABSOLUTE_ERROR = dict(type="mmpretrain.PixelReconstructionLoss", criterion="L1")


@MODELS.register_module()
@part_of_kind("values", "head")
class ValuesHead(DenseHead):
    """Numbers per pixel, of any unit and range.

    The network predicts ``(value - mean) / std``, in which losses are compared: give the mean and
    the standard deviation of the training data, or about their magnitude.

    Args:
        in_channels: Channels of the decoder's map.
        num_values: Numbers K per pixel.
        mean: Mean of the values, in their unit.
        std: Standard deviation of the values, > 0.
        loss: A loss of depth in docs/losses.md or of your own, or a list of them, which are added
            up; called with prediction, target and a boolean, all (n, K, H, W). The default is the
            mean absolute error; ``criterion="L2"`` is the mean square.
        uncertainty: Whether to predict a standard deviation for each value too, by the likelihood
            of a normal distribution, in place of ``loss``. Predictions have it as ``std``.

    Raises:
        ValueError: ``num_values`` is below 1, ``std`` is not positive, or a loss does not fit.
    """

    def __init__(
        self,
        in_channels: int,
        num_values: int = 1,
        *,
        mean: float = 0.0,
        std: float = 1.0,
        loss: dict | Sequence[dict] = MEAN_ABSOLUTE_ERROR,
        uncertainty: bool = False,
    ) -> None:
        kind = type(self).__name__
        if not isinstance(num_values, int) or num_values < 1 or not 0 < std < inf:
            raise ValueError(
                f"{kind}: num_values={num_values}, std={std}: give 1 number or more, and a "
                "positive standard deviation"
            )
        super().__init__(in_channels, num_values * (2 if uncertainty else 1))
        self.num_values = num_values
        self.mean = mean
        self.std = std
        self.uncertainty = uncertainty
        self.criterion = measure_criterion(kind, loss, num_values, positive=False, each=True)

    def loss(self, logits: Tensor, targets: Sequence[PixelData]) -> dict[str, Tensor]:
        """Compare logits (n, K or 2 K, h, w) with values, float32 (K, H, W), NaN where missing.

        Raises:
            ValueError: The targets have another number of values.
        """
        logits, target = self.stack(logits, targets)
        if target.shape[1] != self.num_values:
            raise ValueError(
                f"the targets have {target.shape[1]} values per pixel, but the head has "
                f"num_values={self.num_values}"
            )
        valid = self.known(target)
        wanted = (torch.where(valid, target, self.mean) - self.mean) / self.std
        if self.uncertainty:
            mean, spread = logits.split(self.num_values, dim=1)
            return dict(loss=gaussian_nll(mean, spread, wanted, valid))
        return dict(loss=self.criterion(logits.float(), wanted, valid))

    def known(self, target: Tensor) -> Tensor:
        """Return which values (n, K, H, W) are compared: those of pixels that have all of them."""
        return target.isfinite().all(dim=1, keepdim=True).expand_as(target)

    def num_targets(self, targets: Sequence[PixelData]) -> int | Tensor:
        """Count the pixels that have all values."""
        return sum(data_of(target).isfinite().all(dim=0).sum() for target in targets)

    def postprocess(self, logits: Tensor) -> Tensor:
        """Turn logits (n, K or 2 K, H, W) into values, float32 (n, K, H, W)."""
        return logits[:, : self.num_values].float() * self.std + self.mean

    def deviations(self, logits: Tensor) -> Tensor:
        """Turn logits (n, 2 K, H, W) into standard deviations, float32 (n, K, H, W)."""
        return self.std * deviation(logits[:, self.num_values :])

    def predict(self, logits: Tensor) -> PixelData:
        """Turn the logits of one image into its values, and their standard deviations."""
        return self.merge(logits[None])

    def merge(self, views: Tensor) -> PixelData:
        """Average the values of the views (v, K or 2 K, H, W), and their variances."""
        found = PixelData(data=self.postprocess(views).mean(dim=0))
        if self.uncertainty:
            found.set_data(dict(std=self.deviations(views).square().mean(dim=0).sqrt()))
        return found
