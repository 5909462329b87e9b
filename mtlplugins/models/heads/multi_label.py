"""Head for images with several labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.structures import LabelData
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.kinds import part_of_kind
from mtlplugins.models.losses.of_label_sets import label_set_criterion
from mtlplugins.structures import label_of

from .image_head import ImageHead


@MODELS.register_module()
@part_of_kind("multilabel", "head")
class MultiLabelHead(ImageHead):
    """Classifier of each class by itself: a sigmoid per class, so an image has any number of them.

    Args:
        in_channels: Channels of the encoder's last map or vector.
        num_classes: Number of classes.
        hidden: Width of each hidden layer.
        dropout: Dropout after each hidden layer.
        threshold: Probability from which on an image has a class.
        loss: A loss of docs/losses.md, or a list of them, which are added up; called with logits
            and targets 0 or 1, both (n, num_classes).
        init_cfg: Initialisation of the linear layers.

    Raises:
        ValueError: ``num_classes`` is below 1, ``threshold`` is not between 0 and 1, or a loss does
            not fit.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        hidden: Sequence[int] = (),
        dropout: float = 0.0,
        threshold: float = 0.5,
        loss: dict | Sequence[dict] = dict(type="CrossEntropyLoss", use_sigmoid=True),  # noqa: B006, read only
        init_cfg: dict = dict(type="TruncNormal", std=0.02, layer="Linear"),  # noqa: B006
    ) -> None:
        if not isinstance(num_classes, int) or num_classes < 1 or not 0 < threshold < 1:
            raise ValueError(
                f"MultiLabelHead: num_classes={num_classes}, threshold={threshold}: give 1 class "
                "or more, and a probability between 0 and 1"
            )
        super().__init__(
            in_channels, num_classes, hidden=hidden, dropout=dropout, init_cfg=init_cfg
        )
        self.num_classes = num_classes
        self.threshold = threshold
        self.criterion = label_set_criterion("MultiLabelHead", loss, num_classes)

    def loss(self, logits: Tensor, targets: Sequence[LabelData]) -> dict[str, Tensor]:
        """Compare logits (n, num_classes) with labels int64 (num_classes,) of 0 and 1.

        Returns:
            ``loss`` and ``acc``, the percentage of correct decisions, over images and classes.

        Raises:
            ValueError: The number of labels differs from that of the logits.
        """
        target = torch.stack([label_of(t) for t in targets])
        if target.shape[1] != self.num_classes:
            raise ValueError(
                f"the targets have {target.shape[1]} classes, but the head has "
                f"num_classes={self.num_classes}"
            )
        target = target.to(logits.device, non_blocking=True)
        right = ((self.postprocess(logits) >= self.threshold) == target).float()
        return dict(loss=self.criterion(logits, target.float()), acc=100 * right.mean())

    def postprocess(self, logits: Tensor) -> Tensor:
        """Turn logits (n, num_classes) into probabilities, float32 (n, num_classes)."""
        return logits.float().sigmoid()

    def merge(self, views: Tensor) -> LabelData:
        """Average the probabilities of the views (v, num_classes); labels of 0 and 1."""
        score = self.postprocess(views).mean(dim=0)
        return LabelData(label=(score >= self.threshold).long(), score=score)
