"""Image-level labels whose classes have an order."""

from __future__ import annotations

from collections.abc import Sequence

from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .image_label import ImageLabel


@DATASETS.register_module()
@part_of_kind("ordinal", "target")
class OrdinalLabel(ImageLabel):
    """One of some ordered classes per image, such as a grade; files as of :class:`ImageLabel`.

    Args:
        file: Below the data set's root.
        classes: Names of the classes, in their order.

    Raises:
        ValueError: ``classes`` are not names, or one of them occurs twice.
    """

    def __init__(self, file: str, classes: Sequence[str]) -> None:
        super().__init__(file, classes)
