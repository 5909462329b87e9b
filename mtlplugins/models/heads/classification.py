"""Head for image classification."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.structures import LabelData
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.kinds import part_of_kind
from mtlplugins.models.losses.of_labels import NONE_IGNORED, label_criterion

from .base import check_num_classes
from .image_head import ImageHead, checked_labels


@MODELS.register_module()
@part_of_kind("classification", "head")
class ClassificationHead(ImageHead):
    """Image classifier: average pooling, an optional MLP (Linear, ReLU, Dropout), a linear layer.

    Args:
        in_channels: Channels of the encoder's last map or vector.
        num_classes: Number of classes.
        hidden: Width of each hidden layer.
        dropout: Dropout after each hidden layer.
        loss: A loss of docs/losses.md, or a list of them, which are added up.
        init_cfg: Initialisation of the linear layers.

    Raises:
        ValueError: ``num_classes`` is below 2, or a loss does not fit.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        hidden: Sequence[int] = (),
        dropout: float = 0.0,
        loss: dict | Sequence[dict] = dict(type="CrossEntropyLoss", avg_non_ignore=True),  # noqa: B006, read only
        init_cfg: dict = dict(type="TruncNormal", std=0.02, layer="Linear"),  # noqa: B006
    ) -> None:
        check_num_classes("ClassificationHead", num_classes)
        super().__init__(
            in_channels, num_classes, hidden=hidden, dropout=dropout, init_cfg=init_cfg
        )
        self.num_classes = num_classes
        self.criterion = label_criterion("ClassificationHead", loss, num_classes, dense=False)

    def loss(self, logits: Tensor, targets: Sequence[LabelData]) -> dict[str, Tensor]:
        """Compare logits (n, num_classes) with labels int64 (1,).

        Returns:
            ``loss`` and ``acc``, the percentage of correctly classified images.

        Raises:
            ValueError: A label is not in 0 … num_classes - 1.
        """
        labels = checked_labels(targets, self.num_classes)
        target = labels.to(logits.device, non_blocking=True)
        right = (logits.argmax(dim=1) == target).float()
        return dict(loss=self.criterion(logits, target, NONE_IGNORED), acc=100 * right.mean())

    def postprocess(self, logits: Tensor) -> Tensor:
        """Turn logits (n, num_classes) into probabilities, float32 (n, num_classes)."""
        return logits.float().softmax(dim=1)

    def merge(self, views: Tensor) -> LabelData:
        """Average the probabilities of the views (v, num_classes); the most probable class."""
        score = self.postprocess(views).mean(dim=0)
        return LabelData(label=score.argmax(dim=0, keepdim=True), score=score)
