from __future__ import annotations

import numpy as np
import pytest

from mtlplugins.datasets.transforms import MultiTaskRandomResizedCrop


def test_crops_stay_within_bounds() -> None:
    np.random.seed(0)
    crop = MultiTaskRandomResizedCrop(8, crop_ratio_range=(0.25, 0.8), aspect_ratio_range=(0.5, 2))
    image = np.zeros((200, 300, 3), np.uint8)
    boxes = np.array([crop.rand_crop_params(image) for _ in range(2000)])
    top, left, height, width = boxes.T
    assert top.min() >= 0
    assert left.min() >= 0
    assert (top + height).max() <= 200
    assert (left + width).max() <= 300
    area, aspect = height * width / 60000, width / height
    assert 0.245 < area.min() < 0.26
    assert 0.75 < area.max() < 0.805
    assert 0.49 < aspect.min() < 0.55
    assert 1.85 < aspect.max() < 2.03
    assert (top == 0).any()
    assert (left + width == 300).any()


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ((10, 1000), (0, 493, 10, 13)),  # 4/3 as wide as high, from the middle
        ((1000, 9), (494, 0, 12, 9)),
        ((1, 1), (0, 0, 1, 1)),
    ],
)
def test_an_extreme_image_is_cropped_in_the_middle(shape: tuple[int, int], box: tuple) -> None:
    np.random.seed(0)
    crop = MultiTaskRandomResizedCrop((6, 8))
    results = dict(img=np.zeros((*shape, 3), np.uint8), target_types={})
    cropped = crop(results)
    assert cropped["crop_box"] == box
    assert cropped["img"].shape == (6, 8, 3)
