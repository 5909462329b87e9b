"""Head for numbers of an image."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import torch
from mmengine.structures import LabelData
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.kinds import part_of_kind
from mtlplugins.models.losses.gaussian import deviation, gaussian_nll
from mtlplugins.models.losses.of_measures import measure_criterion
from mtlplugins.structures import numbers_of

from .image_head import ImageHead
from .values import MEAN_ABSOLUTE_ERROR


@MODELS.register_module()
@part_of_kind("regression", "head")
class RegressionHead(ImageHead):
    """One number per image, or several, such as an age or a position.

    The network predicts ``(number - mean) / std``, in which losses are compared: give the mean and
    the standard deviation of the training data, or about their magnitude, so that numbers of any
    unit are learnt at the usual rates.

    Args:
        in_channels: Channels of the encoder's last map or vector.
        num_outputs: Numbers K per image.
        mean: Mean of the numbers, in their unit.
        std: Standard deviation of the numbers, > 0.
        hidden: Width of each hidden layer.
        dropout: Dropout after each hidden layer.
        loss: A loss of depth in docs/losses.md or of your own, or a list of them, which are added
            up; called with prediction, target and a boolean, all true, as maps (n, K, 1, 1). The
            default is the mean absolute error; ``criterion="L2"`` is the mean square.
        uncertainty: Whether to predict a standard deviation for each number too, by the likelihood
            of a normal distribution, in place of ``loss``. Predictions have it as ``std``.
        init_cfg: Initialisation of the linear layers.

    Raises:
        ValueError: ``num_outputs`` is below 1, ``std`` is not positive, or a loss does not fit.
    """

    def __init__(
        self,
        in_channels: int,
        num_outputs: int = 1,
        *,
        mean: float = 0.0,
        std: float = 1.0,
        hidden: Sequence[int] = (),
        dropout: float = 0.0,
        loss: dict | Sequence[dict] = MEAN_ABSOLUTE_ERROR,
        uncertainty: bool = False,
        init_cfg: dict = dict(type="TruncNormal", std=0.02, layer="Linear"),  # noqa: B006
    ) -> None:
        if not isinstance(num_outputs, int) or num_outputs < 1 or not 0 < std < inf:
            raise ValueError(
                f"RegressionHead: num_outputs={num_outputs}, std={std}: give 1 number or more, and "
                "a positive standard deviation"
            )
        logits = num_outputs * (2 if uncertainty else 1)
        super().__init__(in_channels, logits, hidden=hidden, dropout=dropout, init_cfg=init_cfg)
        self.num_outputs = num_outputs
        self.mean = mean
        self.std = std
        self.uncertainty = uncertainty
        self.criterion = measure_criterion(
            "RegressionHead", loss, channels=num_outputs, positive=False
        )

    def loss(self, logits: Tensor, targets: Sequence[LabelData]) -> dict[str, Tensor]:
        """Compare logits (n, K or 2 K) with numbers, float32 (K,).

        Raises:
            ValueError: The targets have another number of numbers.
        """
        target = torch.stack([numbers_of(t) for t in targets])
        if target.shape[1] != self.num_outputs:
            raise ValueError(
                f"the targets have {target.shape[1]} numbers per image, but the head has "
                f"num_outputs={self.num_outputs}"
            )
        target = target.to(logits.device, non_blocking=True)
        wanted = (target - self.mean) / self.std
        if self.uncertainty:
            mean, spread = logits.split(self.num_outputs, dim=1)
            return dict(loss=gaussian_nll(mean, spread, wanted, torch.ones_like(wanted).bool()))
        maps = (x.float()[..., None, None] for x in (logits, wanted))  # (n, K, 1, 1)
        valid = torch.ones_like(target, dtype=torch.bool)
        valid = valid[..., None, None] if self.num_outputs == 1 else valid[:, :1, None]
        return dict(loss=self.criterion(*maps, valid))

    def postprocess(self, logits: Tensor) -> Tensor:
        """Turn logits (n, K or 2 K) into numbers, float32 (n, K)."""
        return logits[:, : self.num_outputs].float() * self.std + self.mean

    def deviations(self, logits: Tensor) -> Tensor:
        """Turn logits (n, 2 K) into standard deviations, float32 (n, K)."""
        return self.std * deviation(logits[:, self.num_outputs :])

    def merge(self, views: Tensor) -> LabelData:
        """Average the numbers of the views (v, K or 2 K), and their variances."""
        found = LabelData(numbers=self.postprocess(views).mean(dim=0))
        if self.uncertainty:
            found.set_data(dict(std=self.deviations(views).square().mean(dim=0).sqrt()))
        return found
