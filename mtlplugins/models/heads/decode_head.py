"""Adapter that makes mmseg's decode heads the decoder and head of a task."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.structures import PixelData
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mtlplugins.kinds import part_of_kind
from mtlplugins.models.losses.of_labels import label_criterion
from mtlplugins.structures import data_of

from .base import TaskHead, check_num_classes
from .segmentation import check_labels, count_labelled

#: Default loss of mmseg's heads.
_MMSEG_LOSS = dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0)


@MODELS.register_module()
@part_of_kind("segmentation", "head")
class MultiTaskDecodeHead(TaskHead):
    """Semantic segmentation with any of mmseg's heads that return one map of logits.

    UPerHead, SegformerHead, FCNHead, PSPHead, ASPPHead, … with their own losses and pixel sampler.
    They decode the encoder's maps themselves, so the task needs no decoder; with a decoder, they
    get its map only.

    In distributed training, ranks weight their losses by the number of pixels with ground truth;
    mmseg's cross-entropy averages over these pixels only with ``avg_non_ignore=True``.

    Args:
        num_classes: Number of classes, also of ``head``.
        head: Config of mmseg's head, without ``num_classes``.

    Raises:
        ValueError: ``head`` is not a decode head with one map of logits, or sets ``num_classes`` or
            ``align_corners=True``; or ``num_classes`` is below 2.
    """

    dense = True

    def __init__(self, num_classes: int, *, head: dict) -> None:
        super().__init__()
        name = f"MultiTaskDecodeHead: head.type={head.get('type')!r}"
        if "num_classes" in head:
            raise ValueError(f"{name}: give num_classes beside head, not in it")
        check_num_classes(name, num_classes)
        self.num_classes = num_classes
        self.decode_head = MODELS.build({**_without_losses(head), "num_classes": num_classes})
        own_loss = getattr(type(self.decode_head), "loss", None) is not BaseDecodeHead.loss
        if not isinstance(self.decode_head, BaseDecodeHead) or own_loss:
            raise ValueError(
                f"{name} is no head that makes one map of logits: take UPerHead, SegformerHead, "
                "FCNHead or another of mmseg's that does not replace BaseDecodeHead.loss"
            )
        if self.decode_head.out_channels > 1:
            losses = head.get("loss_decode", _MMSEG_LOSS)
            losses = [losses] if isinstance(losses, dict) else losses
            found = [_DecodeLoss(name, loss, self.decode_head.out_channels) for loss in losses]
            self.decode_head.loss_decode = nn.ModuleList(found)
        if self.decode_head.align_corners:
            raise ValueError(
                f"{name}: predictions are enlarged with align_corners=False; set it so in head, "
                "for the loss to see the same"
            )

    @property
    def ignore_index(self) -> int | None:
        """Label of pixels without ground truth."""
        return self.decode_head.ignore_index

    def forward(self, features: Sequence[Tensor] | Tensor) -> Tensor:
        """Compute logits (n, K, h, w) from the encoder's maps, finest first, or a decoder's map.

        Raises:
            ValueError: The head returns more than one map of logits.
        """
        logits = self.decode_head([features] if isinstance(features, Tensor) else features)
        if not isinstance(logits, Tensor):
            raise ValueError(
                f"{type(self.decode_head).__name__} makes more than one map of logits, which "
                "MultiTaskDecodeHead cannot use; take UPerHead, SegformerHead or FCNHead"
            )
        return logits

    def check_targets(self, targets: Sequence[PixelData]) -> None:
        """Check that every label is a class or the head's ``ignore_index``."""
        # one channel separates two classes, whatever num_classes is
        single = self.decode_head.out_channels == 1
        classes = max(self.num_classes, 2) if single else self.num_classes
        for target in targets:
            check_labels(data_of(target), classes, self.ignore_index)

    def loss(self, logits: Tensor, targets: Sequence[PixelData]) -> dict[str, Tensor]:
        """Compare logits (n, K, h, w) with label maps int64 (1, H, W), with the head's own losses.

        Returns:
            ``loss``, the sum of the head's losses; if there are several, also each of them under
            its ``loss_name`` without ``loss_``; ``acc``, the percentage of correct pixels among
            those with ground truth, except for a single channel of logits.

        Raises:
            ValueError: A label on the CPU is neither a class nor the head's ``ignore_index``.
        """
        head = self.decode_head
        target = torch.stack([data_of(t) for t in targets]).to(logits.device)
        if target.is_cpu:  # on a GPU, check_targets() has seen them before
            self.check_targets(targets)
        samples = [SegDataSample(gt_sem_seg=PixelData(data=t)) for t in target]
        found = head.loss_by_feat(logits, samples)
        accuracy = found.pop("acc_seg", None)
        # as in MMEngine, which adds values with "loss" in their name and only logs the rest
        parts = {name: value for name, value in found.items() if "loss" in name}
        figures = {name: value for name, value in found.items() if name not in parts}
        if len(parts) > 1:
            figures |= {n.replace("loss_", ""): v.detach() for n, v in parts.items()}
        if accuracy is not None and head.out_channels > 1:  # with one channel mmseg counts zeros
            figures["acc"] = accuracy
        return dict(loss=sum(parts.values()), **figures)

    def num_targets(self, targets: Sequence[PixelData]) -> int | Tensor:
        """Count the pixels that are not the head's ``ignore_index``."""
        return count_labelled(targets, self.decode_head.ignore_index)

    def postprocess(self, logits: Tensor) -> Tensor:
        """Select the class of each pixel: (n, K, H, W) to int64 (n, 1, H, W).

        The most probable class; with a single channel, class 1 if its probability is above the
        head's ``threshold``, as in mmseg.
        """
        if self.decode_head.out_channels == 1:
            return (logits.sigmoid() > self.decode_head.threshold).long()
        return logits.argmax(dim=1, keepdim=True)

    def merge(self, views: Tensor) -> PixelData:
        """Select the class of each pixel by the mean probability of the views (v, K, H, W)."""
        if self.decode_head.out_channels == 1:
            shares = views.float().sigmoid().mean(dim=0)
            return PixelData(data=(shares > self.decode_head.threshold).long())
        return PixelData(data=views.float().softmax(dim=1).mean(dim=0).argmax(dim=0, keepdim=True))


def _without_losses(head: dict) -> dict:
    """Remove the losses, except those of a single channel, which mmseg treats differently."""
    if head.get("out_channels") == 1:
        return head
    return {key: value for key, value in head.items() if key != "loss_decode"}


class _DecodeLoss(nn.Module):
    """Loss for mmseg's heads that is correct with class weights and ignored pixels."""

    def __init__(self, head: str, config: dict, num_classes: int) -> None:
        super().__init__()
        self.criterion = label_criterion(head, config, num_classes, dense=True, like_mmseg=True)
        self.loss_name = config.get("loss_name") or getattr(
            self.criterion.losses[0], "loss_name", f"loss_{type(self.criterion.losses[0]).__name__}"
        )

    def forward(
        self, logits: Tensor, labels: Tensor, weight: Tensor | None = None, ignore_index: int = 255
    ) -> Tensor:
        if weight is not None:  # pixel weights of a pixel sampler
            loss = self.criterion.losses[0]
            return loss(logits, labels, weight=weight, ignore_index=ignore_index)
        return self.criterion(logits, labels, ignore_index)
