from __future__ import annotations

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS

from mtlplugins.datasets import stack_images
from mtlplugins.structures import MultiTaskDataSample


def items(*sizes: tuple[int, int]) -> list[dict]:
    return [
        dict(
            inputs=torch.randint(0, 256, (3, *size), dtype=torch.uint8),
            data_samples=MultiTaskDataSample(metainfo=dict(img_path=str(i))),
        )
        for i, size in enumerate(sizes)
    ]


def test_it_is_what_mmengine_makes_in_one_piece() -> None:
    given = items((4, 5), (4, 5), (4, 5))
    found, plain = stack_images(given), pseudo_collate(given)
    assert torch.equal(found["inputs"], torch.stack(plain["inputs"]))
    assert found["data_samples"] == plain["data_samples"]
    assert FUNCTIONS.get("stack_images") is stack_images


def test_images_of_several_sizes() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        stack_images(items((4, 5), (5, 4)))
