"""Errors of all heads."""

from __future__ import annotations

import pytest
from mmseg.registry import MODELS

import mtlplugins  # noqa: F401

HEADS = {
    "SegmentationHead": dict(in_channels=4),
    "ClassificationHead": dict(in_channels=4),
    "MultiTaskDecodeHead": dict(head=dict(type="FCNHead", in_channels=4, channels=4)),
}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("num_classes", [1, 0, 2.0])
def test_a_choice_of_one_class_is_refused(head: str, num_classes: int) -> None:
    """The softmax over one channel is 1: loss 0 and mIoU 100, whatever is predicted."""
    with pytest.raises(ValueError, match=rf"{head}.*num_classes={num_classes}.*'rest'"):
        MODELS.build(dict(type=head, num_classes=num_classes, **HEADS[head]))
