"""Head for semantic segmentation."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.kinds import part_of_kind
from mtlplugins.models.losses.of_labels import NONE_IGNORED, label_criterion
from mtlplugins.structures import data_of

from .base import DenseHead, check_num_classes


@MODELS.register_module()
@part_of_kind("segmentation", "head")
class SegmentationHead(DenseHead):
    """Semantic segmentation: one class per pixel.

    Args:
        in_channels: Channels of the decoder's map.
        num_classes: Number of classes.
        ignore_index: Label of pixels without ground truth.
        loss: A loss of docs/losses.md, or a list of them, which are added up.

    Raises:
        ValueError: ``num_classes`` is below 2, or a loss does not fit.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        ignore_index: int = 255,
        loss: dict | Sequence[dict] = dict(type="CrossEntropyLoss", avg_non_ignore=True),  # noqa: B006, read only
    ) -> None:
        check_num_classes("SegmentationHead", num_classes)
        super().__init__(in_channels, num_classes)
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.criterion = label_criterion("SegmentationHead", loss, num_classes, dense=True)

    def check_targets(self, targets: Sequence[PixelData]) -> None:
        """Check that every label is in 0 … num_classes - 1, or ``ignore_index``."""
        for target in targets:
            check_labels(data_of(target), self.num_classes, self.ignore_index)

    def loss(self, logits: Tensor, targets: Sequence[PixelData]) -> dict[str, Tensor]:
        """Compare logits (n, num_classes, h, w) with label maps int64 (1, H, W).

        Returns:
            ``loss`` and ``acc``, the percentage of correct pixels among those with ground truth.

        Raises:
            ValueError: A label on the CPU is neither in 0 … num_classes - 1 nor ``ignore_index``.
        """
        logits, target = self.stack(logits, targets)
        target = target.squeeze(1)  # (n, H, W)
        if target.is_cpu:  # on a GPU, check_targets() has seen them before
            check_labels(target, self.num_classes, self.ignore_index)
        ignored = NONE_IGNORED if self.ignore_index is None else self.ignore_index
        return dict(
            loss=self.criterion(logits, target, ignored),
            acc=accuracy(logits, target, ignored),
        )

    def num_targets(self, targets: Sequence[PixelData]) -> int | Tensor:
        """Count the pixels that are not ``ignore_index``."""
        return count_labelled(targets, self.ignore_index)

    def postprocess(self, logits: Tensor) -> Tensor:
        """Select the most probable class: (n, num_classes, H, W) to int64 (n, 1, H, W)."""
        return logits.argmax(dim=1, keepdim=True)

    def predict(self, logits: Tensor) -> PixelData:
        """Select the most probable class of one image, (num_classes, H, W) to int64 (1, H, W)."""
        # the classes of argmax, which takes five times as long on a CPU; graphs keep argmax
        return PixelData(data=logits.max(dim=0, keepdim=True).indices)

    def merge(self, views: Tensor) -> PixelData:
        """Select the class of the highest mean probability of the views (v, K, H, W)."""
        return PixelData(data=views.float().softmax(dim=1).mean(dim=0).argmax(dim=0, keepdim=True))


def check_labels(target: Tensor, num_classes: int, ignore_index: int | None) -> None:
    """Check the labels of targets of any shape.

    Raises:
        ValueError: A label is neither in 0 … num_classes - 1 nor ``ignore_index``.
    """
    wrong = (target < 0) | (target >= num_classes)
    if ignore_index is not None:
        wrong &= target != ignore_index
    if wrong.any():
        raise ValueError(
            f"label {int(target[wrong][0])} in a target, but the head has num_classes="
            f"{num_classes} and ignore_index={ignore_index}"
        )


def accuracy(logits: Tensor, target: Tensor, ignored: int) -> Tensor:
    """Compute the percentage of correct pixels among those with ground truth; 0 without any.

    Args:
        logits: (n, K, H, W).
        target: Labels (n, H, W).
        ignored: Label of pixels without ground truth.
    """
    # no indexing by `known`: its number of elements would synchronise the GPU
    known = target != ignored
    right = (logits.argmax(dim=1) == target) & known
    return 100 * right.sum() / known.sum().clamp(min=1)


def count_labelled(targets: Sequence[PixelData], ignore_index: int | None) -> int | Tensor:
    """Count the pixels of label maps that are not ``ignore_index``."""
    if ignore_index is None:
        return sum(data_of(t).numel() for t in targets)
    return sum((data_of(t) != ignore_index).sum() for t in targets)
