from __future__ import annotations

import pytest
import torch
from mmengine.structures import PixelData
from torch.nn import functional as F

from mtlplugins.models.heads import SegmentationHead


def labels(*size: int, classes: int = 5, ignored: float = 0.3, ignore_index: int = 255):
    target = torch.randint(0, classes, size)
    target[torch.rand(size) < ignored] = ignore_index
    return target


def as_targets(target: torch.Tensor) -> list[PixelData]:
    return [PixelData(data=t[None]) for t in target]


@pytest.mark.parametrize("ignore_index", [255, 0, -1])
def test_cross_entropy_over_the_pixels_with_ground_truth(ignore_index: int):
    head = SegmentationHead(4, 5, ignore_index=ignore_index)
    logits, target = torch.randn(2, 5, 6, 7), labels(2, 6, 7, ignore_index=ignore_index)
    out = head.loss(logits, as_targets(target))
    wanted = F.cross_entropy(logits, target, ignore_index=ignore_index)
    torch.testing.assert_close(out["loss"], wanted)
    valid = target != ignore_index
    right = (logits.argmax(1) == target)[valid].float().mean()
    assert out["acc"].item() == pytest.approx(100 * right.item(), abs=1e-3)
    assert set(out) == {"loss", "acc"}


def test_logits_are_brought_to_the_size_of_the_target():
    head = SegmentationHead(4, 5)
    logits, target = torch.randn(2, 5, 3, 4), labels(2, 9, 8)
    full = F.interpolate(logits, (9, 8), mode="bilinear", align_corners=False)
    wanted = F.cross_entropy(full, target, ignore_index=255)
    torch.testing.assert_close(head.loss(logits, as_targets(target))["loss"], wanted)


def test_whole_batch_ignored():
    logits = torch.randn(2, 5, 4, 4, requires_grad=True)
    loss = SegmentationHead(4, 5).loss(logits, as_targets(torch.full((2, 4, 4), 255)))["loss"]
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("label", [5, 254, -1])
def test_wrong_label(label: int):
    target = labels(1, 4, 4)
    target[0, 2, 1] = label
    with pytest.raises(ValueError, match=f"label {label} in a target.*num_classes=5.*=255"):
        SegmentationHead(4, 5).loss(torch.randn(1, 5, 4, 4), as_targets(target))


def test_prediction():
    logits = torch.tensor([[[0.0, 5.0]], [[1.0, 4.0]], [[-1.0, 9.0]]])  # (3 classes, 1, 2)
    prediction = SegmentationHead(4, 3).predict(logits).data
    assert prediction.tolist() == [[[1, 2]]]
    assert prediction.dtype == torch.int64


def test_forward_is_a_linear_map_of_each_pixel():
    head = SegmentationHead(4, 5)
    x = torch.randn(2, 4, 3, 3)
    wanted = head.conv.weight[:, :, 0, 0] @ x[1, :, 2, 0] + head.conv.bias
    torch.testing.assert_close(head(x)[1, :, 2, 0], wanted)
