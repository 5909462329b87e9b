"""Base class of the heads that predict a vector for the whole image."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from mmengine.structures import LabelData
from torch import Tensor, nn

from mtlplugins.structures import label_of

from .base import TaskHead


class ImageHead(TaskHead):
    """Base class of image-level heads: average pooling, an optional MLP, a linear layer.

    Args:
        in_channels: Channels of the encoder's last map or vector.
        out_channels: Number of logits.
        hidden: Width of each hidden layer (Linear, ReLU, Dropout).
        dropout: Dropout after each hidden layer.
        init_cfg: Initialisation of the linear layers.
    """

    dense = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        hidden: Sequence[int],
        dropout: float,
        init_cfg: dict,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        layers: list[nn.Module] = []
        for width in hidden:
            layers += [nn.Linear(in_channels, width), nn.ReLU(), nn.Dropout(dropout)]
            in_channels = width
        self.mlp = nn.Sequential(*layers, nn.Linear(in_channels, out_channels))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Compute logits from the encoder's last map (n, C, H, W) or vector (n, C).

        Returns:
            Logits (n, out_channels).

        Raises:
            ValueError: The features are neither, for example tokens (n, L, C).
        """
        x = features[-1]
        if x.dim() not in (2, 4):
            raise ValueError(
                f"{type(self).__name__}: got {tuple(x.shape)}, not maps (n, C, H, W) or vectors "
                "(n, C); put a neck that makes vectors after the encoder, such as "
                "mmpretrain.LinearNeck"
            )
        return self.mlp(x.mean(dim=(2, 3)) if x.dim() == 4 else x)

    def predict(self, logits: Tensor) -> LabelData:
        """Turn logits (K,) into the prediction of their image, as of a single view."""
        return self.merge(logits[None])

    @abstractmethod
    def merge(self, views: Tensor) -> LabelData:
        """Turn the logits (v, K) of views of one image into its prediction."""

    def num_targets(self, targets: Sequence[LabelData]) -> int:
        """Count the images."""
        return len(targets)


def checked_labels(targets: Sequence[LabelData], num_classes: int) -> Tensor:
    """Join labels int64 (1,), which are on the CPU, to (n,).

    Raises:
        ValueError: A label is not in 0 … num_classes - 1.
    """
    target = torch.cat([label_of(t) for t in targets])
    # on the CPU: a check on the device would have to wait for all its work
    if not ((target >= 0) & (target < num_classes)).all():
        raise ValueError(
            f"labels {sorted(set(target.tolist()))}, but the head has num_classes={num_classes}"
        )
    return target
