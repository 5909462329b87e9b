"""Base classes of the heads."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from mmengine.model import BaseModule
from mmengine.structures import LabelData, PixelData
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mtlplugins.structures import data_of


class TaskHead(BaseModule, metaclass=ABCMeta):
    """Base class of the heads: prediction, loss and post-processing of one task.

    A new kind of task is a subclass: ``forward`` computes logits, ``loss`` compares them with
    targets, ``postprocess`` turns them into predictions.

    Attributes:
        dense: Whether the logits are a map, which sliding windows average and whose padding is
            removed, or a vector for the whole image.
        mirrors: Whether :meth:`mirror` adapts values that are others in a mirrored image.
        uncertainty: Whether :meth:`deviations` gives the standard deviation of each prediction.
    """

    dense: ClassVar[bool]
    mirrors: ClassVar[bool] = False
    uncertainty = False

    @abstractmethod
    def forward(self, features: Sequence[Tensor] | Tensor) -> Tensor:
        """Compute logits from the decoder's map or, without a decoder, from the encoder's maps."""

    @abstractmethod
    def loss(self, logits: Tensor, targets: Sequence[PixelData | LabelData]) -> dict[str, Tensor]:
        """Compare the logits of n images with their targets.

        Returns:
            ``loss``, and values to log, whose names must not contain "loss", or MMEngine would add
            them to the loss.
        """

    def check_targets(self, targets: Sequence[PixelData | LabelData]) -> None:
        """Check the values of targets on the host, before a training step copies them to a GPU.

        ``loss`` cannot: reading values there waits for all the work that the GPU still has.

        Raises:
            ValueError: A value does not fit the head.
        """

    @abstractmethod
    def num_targets(self, targets: Sequence[PixelData | LabelData]) -> int | Tensor:
        """Count what ``loss`` averages over: pixels with ground truth, or images.

        Ranks of distributed training weight their losses by it.
        """

    def no_targets(self) -> None:
        """Take part in the collective calls of ``loss`` in a rank without targets of the task."""

    @abstractmethod
    def postprocess(self, logits: Tensor) -> Tensor:
        """Turn the logits of n images, at the final size, into predictions (n, …).

        Uses tensor operations only, because exported graphs contain it.
        """

    def deviations(self, logits: Tensor) -> Tensor:
        """Turn logits, as :meth:`postprocess` takes them, into standard deviations of its values.

        Raises:
            NotImplementedError: The head predicts none.
        """
        raise NotImplementedError(f"{type(self).__name__} predicts no standard deviations")

    def predict(self, logits: Tensor) -> PixelData | LabelData:
        """Turn the logits of one image, at the final size, into its prediction."""
        return PixelData(data=self.postprocess(logits[None])[0])

    def mirror(self, logits: Tensor) -> Tensor:
        """Adapt the values (not their places) of a mirrored image's logits (n, K, h, w)."""
        return logits

    def merge(self, views: Tensor) -> PixelData | LabelData:
        """Turn the logits (v, K, …) of views of one image, in their places, into its prediction.

        For test-time augmentation; by default the prediction of the mean logits.
        """
        return self.predict(views.mean(dim=0))


class DenseHead(TaskHead):
    """Base class of dense heads: a 1 × 1 convolution from a decoder's map to logits.

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
            ValueError: The features are not a map with ``in_channels`` channels.
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
        """Stack the targets (n, C, H, W), and resize logits (n, K, h, w) to their size."""
        target = torch.stack([data_of(t) for t in targets]).to(logits.device)
        return resize(logits, target.shape[-2:]), target


def resize(logits: Tensor, size: Sequence[int]) -> Tensor:
    """Interpolate logits (n, K, h, w) bilinearly to ``size``, unless they have it already."""
    if tuple(logits.shape[-2:]) == tuple(size):
        return logits
    return interpolate(logits, size=tuple(size), mode="bilinear", align_corners=False)


def check_num_classes(head: str, num_classes: int) -> None:
    """Check that a head has at least two classes.

    Raises:
        ValueError: There are fewer. The softmax over one class is always 1: the loss would be 0 and
            every score perfect, whatever the model predicts.
    """
    if not isinstance(num_classes, int) or num_classes < 2:
        raise ValueError(
            f"{head}: num_classes={num_classes}, but a class is told from at least one other: its "
            "loss would be 0 from the start. Declare the rest as a class too: num_classes=2, "
            "classes=('rest', NAME) of the data set, with 0 and 1 in the files, or in the JSON of "
            "image-level labels. For a single channel of logits with a sigmoid take "
            "MultiTaskDecodeHead with num_classes=2 and head.out_channels=1"
        )
