"""What every head has in common."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from mmengine.model import BaseModule
from mmengine.structures import LabelData, PixelData
from torch import Tensor, nn
from torch.nn.functional import interpolate


class TaskHead(BaseModule, metaclass=ABCMeta):
    """Prediction, loss and post-processing of one task.

    A new kind of task is a subclass: ``forward`` makes logits, ``loss`` compares them with targets,
    ``postprocess`` turns them into predictions.

    Attributes:
        dense: Whether the logits are a map, which sliding windows average and padding is cut off
            from, or a vector for the whole image.
    """

    dense: ClassVar[bool]

    @abstractmethod
    def forward(self, features: Sequence[Tensor] | Tensor) -> Tensor:
        """Make logits of a decoder's map, or of the encoder's maps where there is no decoder."""

    @abstractmethod
    def loss(self, logits: Tensor, targets: Sequence[PixelData | LabelData]) -> dict[str, Tensor]:
        """Compare the logits of n images with their targets.

        Returns:
            ``loss``, and figures to log, whose names must not contain "loss": MMEngine would add
            them.
        """

    @abstractmethod
    def num_targets(self, targets: Sequence[PixelData | LabelData]) -> int | Tensor:
        """Count what ``loss`` averages over: pixels with truth, or images.

        Processes of a distributed training whose batches have unequally many weigh by it.
        """

    def no_targets(self) -> None:
        """Take part in what ``loss`` exchanges between processes, where this one has no target."""

    @abstractmethod
    def postprocess(self, logits: Tensor) -> Tensor:
        """Turn the logits of n images, at the size wanted, into predictions (n, …).

        In tensor operations alone, for it is a part of exported graphs.
        """

    def predict(self, logits: Tensor) -> PixelData | LabelData:
        """Turn the logits of one image, at the size wanted, into its prediction."""
        return PixelData(data=self.postprocess(logits[None])[0])


class DenseHead(TaskHead):
    """A 1 × 1 convolution from a decoder's map to the logits of a dense task.

    Args:
        in_channels: Channels of the decoder's map.
        out_channels: Channels of the logits.
    """

    dense = True

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(init_cfg=dict(type="Normal", std=0.01, layer="Conv2d"))
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (n, in_channels, H, W) to logits (n, out_channels, H, W).

        Raises:
            ValueError: The features are something else.
        """
        name, channels = type(self).__name__, self.conv.in_channels
        if not isinstance(features, Tensor):
            raise ValueError(
                f"{name} takes the map of a decoder, not the {len(features)} maps of the encoder: "
                "give its task a decoder"
            )
        if features.dim() != 4 or features.shape[1] != channels:
            raise ValueError(
                f"{name}: in_channels={channels}, but the decoder gives {tuple(features.shape)} "
                "(n, C, H, W): correct in_channels"
            )
        return self.conv(features)

    @staticmethod
    def stack(logits: Tensor, targets: Sequence[PixelData]) -> tuple[Tensor, Tensor]:
        """Bring logits (n, K, h, w) to the size of the stacked targets (n, C, H, W)."""
        target = torch.stack([t.data for t in targets]).to(logits.device)
        return resize(logits, target.shape[-2:]), target


def resize(logits: Tensor, size: Sequence[int]) -> Tensor:
    """Interpolate logits (n, K, h, w) bilinearly to ``size``; left alone where they have it."""
    if tuple(logits.shape[-2:]) == tuple(size):
        return logits
    return interpolate(logits, size=tuple(size), mode="bilinear", align_corners=False)


def check_num_classes(head: str, num_classes: int) -> None:
    """Refuse a choice among fewer than two classes.

    Raises:
        ValueError: The softmax over one class is always 1: its loss is 0 from the start, and every
            score perfect, whatever the model predicts.
    """
    if not isinstance(num_classes, int) or num_classes < 2:
        raise ValueError(
            f"{head}: num_classes={num_classes}, but a class is told from at least one other: its "
            "loss would be 0 from the start. Declare the rest as a class too: num_classes=2, "
            "classes=('rest', NAME) of the data set, with 0 and 1 in the files, or in the JSON of "
            "image-level labels. For a single channel of logits with a sigmoid take "
            "MultiTaskDecodeHead with num_classes=2 and head.out_channels=1"
        )
