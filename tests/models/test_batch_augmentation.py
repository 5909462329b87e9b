"""Augmentation on the device, against a plain reference for one image at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.structures import LabelData, PixelData
from torch.nn import functional as F

from mtlplugins.models import (
    BatchRandomErase,
    BatchRandomFlip,
    BatchRandomShift,
    MultiTaskDataPreprocessor,
)
from mtlplugins.structures import MultiTaskDataSample

IMAGES = torch.randn(6, 3, 8, 10, generator=torch.Generator().manual_seed(0))
AUGMENTATIONS = {
    "flip": BatchRandomFlip(),
    "shift": BatchRandomShift(padding=2),
    "erase": BatchRandomErase(side=3, prob=0.7),
}


def draws_of(numbers: list[int], seed: int = 1) -> np.ndarray:
    return np.array([(seed, number) for number in numbers])


def test_flip() -> None:
    numbers = torch.tensor([[0.1], [0.6], [0.49], [0.5], [0.9], [0.0]])
    found = BatchRandomFlip(0.5).apply_to(IMAGES, numbers)
    for i, mirrored in enumerate([True, False, True, False, False, True]):
        assert torch.equal(found[i], IMAGES[i].flip(-1) if mirrored else IMAGES[i])


def test_shift() -> None:
    numbers = torch.tensor(
        [[0.0, 0.0], [0.5, 0.5], [0.99, 0.0], [0.2, 0.8], [0.4, 0.6], [0.7, 0.1]]
    )
    found = BatchRandomShift(padding=2).apply_to(IMAGES, numbers)
    assert found.is_contiguous()
    for image, (down, right), shifted in zip(IMAGES, numbers.tolist(), found, strict=True):
        top, left = int(5 * down), int(5 * right)
        whole = F.pad(image, (2, 2, 2, 2))
        assert torch.equal(shifted, whole[:, top : top + 8, left : left + 10])
    assert torch.equal(found[1], IMAGES[1])


def test_erase() -> None:
    numbers = torch.tensor([[0.0, 0.0, 0.1], [0.5, 0.5, 0.1], [0.99, 0.99, 0.1], [0.5, 0.5, 0.8]])
    images = torch.ones(4, 3, 8, 10)
    found = BatchRandomErase(side=3, prob=0.7).apply_to(images, numbers)
    windows = [(slice(0, 2), slice(0, 2)), (slice(3, 6), slice(4, 7)), (slice(6, 8), slice(8, 10))]
    for i, window in enumerate(windows):
        images[(i, slice(None), *window)] = 0
    assert torch.equal(found, images)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS.values(), ids=AUGMENTATIONS)
def test_what_becomes_of_an_image_depends_on_its_draw_alone(augmentation) -> None:
    whole = augmentation(IMAGES, draws_of([0, 1, 2, 3, 4, 5]), 0)
    part = augmentation(IMAGES[[4, 1]], draws_of([4, 1]), 0)
    assert torch.equal(part, whole[[4, 1]])
    assert not torch.equal(whole, IMAGES)
    for other in ((draws_of([9, 8, 7, 6, 5, 4]), 0), (draws_of([0, 1, 2, 3, 4, 5], 2), 0)):
        assert not torch.equal(augmentation(IMAGES, *other), whole)
    assert not torch.equal(augmentation(IMAGES, draws_of([0, 1, 2, 3, 4, 5]), 1), whole)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS.values(), ids=AUGMENTATIONS)
def test_each_choice_is_as_frequent_as_it_should_be(augmentation) -> None:
    images = torch.zeros(4000, 1, 8, 8)
    images[:, :, 4, 3] = 1
    found = augmentation(images, draws_of([*range(4000)]), 0).flatten(1)
    there = found.sum(dim=1).bool()
    places = torch.bincount(found[there].argmax(dim=1), minlength=64)
    share = there.float().mean().item()
    if isinstance(augmentation, BatchRandomFlip):
        assert share == 1
        assert places[4 * 8 + 3].item() == pytest.approx(2000, abs=130)
        assert places[4 * 8 + 4].item() == 4000 - places[4 * 8 + 3].item()
    elif isinstance(augmentation, BatchRandomShift):
        assert share == 1
        square = places.view(8, 8)[2:7, 1:6]
        assert square.sum() == 4000
        assert (square - 160).abs().max() < 60
    else:
        assert 1 - share == pytest.approx(0.7 * 9 / 64, abs=0.02)


def batch(*, draw: bool = True, dense: bool = False) -> dict:
    samples = []
    for number in range(len(IMAGES)):
        meta = dict(img_path=f"{number}.png", invalid=dict(depth=0.0) if dense else {})
        sample = MultiTaskDataSample(metainfo=meta | (dict(draw=(1, number)) if draw else {}))
        sample.gt_label = LabelData(label=torch.tensor([number]))
        if dense:
            sample.gt_depth = PixelData(data=torch.ones(1, 8, 10))
        samples.append(sample)
    return dict(inputs=(IMAGES * 20 + 128).to(torch.uint8), data_samples=samples)


def preprocessor(*augmentation: dict) -> MultiTaskDataPreprocessor:
    return MultiTaskDataPreprocessor(mean=[120.0] * 3, std=[60.0] * 3, augmentation=augmentation)


def test_the_preprocessor_augments_training_batches_alone() -> None:
    plain = preprocessor()(batch(), training=True)["inputs"]
    made = preprocessor(dict(type="BatchRandomFlip"), dict(type="BatchRandomShift", padding=1))
    assert torch.equal(made(batch(), training=False)["inputs"], plain)
    draws = draws_of([*range(6)])
    expected = BatchRandomShift(1)(BatchRandomFlip()(plain, draws, 0), draws, 1)
    found = made(batch(), training=True)
    assert torch.equal(found["inputs"], expected)
    assert [s.gt_label.label.item() for s in found["data_samples"]] == [*range(6)]


def test_what_the_augmentation_cannot_do() -> None:
    made = preprocessor(dict(type="BatchRandomFlip"))
    with pytest.raises(ValueError, match=r"0.png: .*not those of the targets depth; augment in"):
        made(batch(dense=True), training=True)
    with pytest.raises(ValueError, match=r"0.png: .*sampler to dict\(type='DrawSampler'\)"):
        made(batch(draw=False), training=True)
    assert made(batch(dense=True, draw=False), training=False)["inputs"].shape == IMAGES.shape
