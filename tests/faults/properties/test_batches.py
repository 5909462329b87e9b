"""Properties of batching: padding by the invalid value, augmentation by the draw alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.structures import LabelData, PixelData
from torch import Tensor

from mtlplugins.common.randomness import uniform
from mtlplugins.datasets.collate import stack_images
from mtlplugins.models import (
    BatchRandomErase,
    BatchRandomFlip,
    BatchRandomShift,
    MultiTaskDataPreprocessor,
)
from mtlplugins.structures import MultiTaskDataSample
from tests.faults.properties._examples import examples

pytestmark = pytest.mark.faults

sides = st.integers(1, 9)
sizes = st.tuples(sides, sides)
INVALID = dict(semantic=255, depth=0.0, normals=0.0)
CHANNELS = dict(semantic=1, depth=1, normals=3)


def item(size: tuple[int, int], tasks: set[str], number: int) -> dict:
    """An image and the targets of ``tasks`` alone, none of them with an invalid pixel."""
    generator = torch.Generator().manual_seed(number)
    sample = MultiTaskDataSample(metainfo=dict(img_path=f"{number}.png", invalid=INVALID))
    for task in tasks - {"scene"}:
        data = torch.randint(1, 9, (CHANNELS[task], *size), generator=generator)
        setattr(sample, f"gt_{task}", PixelData(data=data if task == "semantic" else data / 2))
    if "scene" in tasks:
        sample.gt_scene = LabelData(label=torch.tensor([number]))
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=generator)
    return dict(inputs=image, data_samples=sample)


tasks_of = st.sets(st.sampled_from((*CHANNELS, "scene")))


@examples(150)
@given(
    st.lists(st.tuples(sizes, tasks_of), min_size=1, max_size=4),
    st.integers(1, 8),
    st.booleans(),
    st.booleans(),
)
def test_each_target_is_padded_by_its_own_value(
    wanted: list, divisor: int, training: bool, swap: bool
) -> None:
    items = [item(size, tasks, number) for number, (size, tasks) in enumerate(wanted)]
    preprocessor = MultiTaskDataPreprocessor(
        mean=[10.0, 20.0, 30.0], std=[2.0, 4.0, 5.0], pad_size_divisor=divisor, bgr_to_rgb=swap
    )
    data = dict(
        inputs=[i["inputs"] for i in items], data_samples=[i["data_samples"].clone() for i in items]
    )
    batch = preprocessor(data, training)
    height, width = (
        -(-max(size[axis] for size, _ in wanted) // divisor) * divisor for axis in (0, 1)
    )
    assert batch["inputs"].shape == (len(items), 3, height, width)
    for (size, tasks), one, image, sample in zip(
        wanted, items, batch["inputs"], batch["data_samples"], strict=True
    ):
        plain = one["inputs"].flip(0) if swap else one["inputs"]
        plain = (plain - torch.tensor([10.0, 20, 30])[:, None, None]) / torch.tensor([2.0, 4, 5])[
            :, None, None
        ]
        torch.testing.assert_close(image[:, : size[0], : size[1]], plain)
        assert image.abs().sum().item() == pytest.approx(plain.abs().sum().item(), rel=1e-5)
        assert tuple(sample.img_shape) == size
        for task, channels in CHANNELS.items():
            if task not in tasks:
                assert sample.target(task) is None
                continue
            own, found = one["data_samples"].target(task).data, sample.target(task).data
            assert found.dtype == own.dtype
            if not training:
                assert torch.equal(found, own)
                continue
            padded = torch.full((channels, height, width), INVALID[task], dtype=own.dtype)
            padded[:, : size[0], : size[1]] = own
            assert torch.equal(found, padded)
        assert ("scene" in tasks) == (sample.target("scene") is not None)


@examples(100)
@given(st.lists(sizes, min_size=1, max_size=5), st.booleans())
def test_images_are_joined_only_where_they_fit(shapes: list, alike: bool) -> None:
    shapes = shapes[:1] * len(shapes) if alike else shapes
    items = [item(size, {"depth"}, number) for number, size in enumerate(shapes)]
    if len(set(shapes)) > 1:
        with pytest.raises(ValueError, match="stack_images: the images of a batch differ in size"):
            stack_images(items)
        return
    batch = stack_images(items)
    assert batch["inputs"].dtype == torch.uint8
    assert all(torch.equal(a, b["inputs"]) for a, b in zip(batch["inputs"], items, strict=True))
    assert batch["data_samples"] == [i["data_samples"] for i in items]
    # the preprocessor makes the same batch of one tensor as of a list
    lists = {key: [i[key] for i in items] for key in ("inputs", "data_samples")}
    made = [MultiTaskDataPreprocessor(pad_size_divisor=4)(dict(b)) for b in (batch, lists)]
    assert torch.equal(*(m["inputs"] for m in made))


def flipped(image: Tensor, numbers: list[float], prob: float) -> Tensor:
    return image[:, :, [*range(image.shape[2])][::-1]] if numbers[0] < prob else image


def shifted(image: Tensor, numbers: list[float], padding: int) -> Tensor:
    """Pixel by pixel: each takes what is so far away, nothing where that is outside."""
    down, right = (int(n * (2 * padding + 1)) - padding for n in numbers)
    found = torch.zeros_like(image)
    for y in range(image.shape[1]):
        for x in range(image.shape[2]):
            if 0 <= y + down < image.shape[1] and 0 <= x + right < image.shape[2]:
                found[:, y, x] = image[:, y + down, x + right]
    return found


def erased(image: Tensor, numbers: list[float], side: int, prob: float) -> Tensor:
    found = image.clone()
    top, left = (int(n * s) - side // 2 for n, s in zip(numbers, image.shape[1:], strict=False))
    for y in range(top, top + side):
        for x in range(left, left + side):
            inside = 0 <= y < image.shape[1] and 0 <= x < image.shape[2]
            if inside and numbers[2] < prob:
                found[:, y, x] = 0
    return found


@st.composite
def augmentations(draw: st.DrawFn) -> tuple:
    """An augmentation, and the same for one image, written plainly."""
    prob = draw(st.sampled_from((0.0, 0.5, 1.0)))
    padding, side = draw(st.integers(0, 12)), draw(st.integers(1, 12))
    return draw(
        st.sampled_from(
            (
                (BatchRandomFlip(prob), lambda i, n: flipped(i, n, prob)),
                (BatchRandomShift(padding), lambda i, n: shifted(i, n, padding)),
                (BatchRandomErase(side, prob), lambda i, n: erased(i, n, side, prob)),
            )
        )
    )


numbers = st.integers(0, 2**62)


@examples(150)
@given(
    augmentations(), sizes, numbers, st.lists(numbers, min_size=1, max_size=6),
    st.integers(0, 5), st.data(),
)  # fmt: skip
def test_batches_are_augmented_image_by_image(
    augmentation: tuple, size: tuple, seed: int, draws: list[int], stream: int, data: st.DataObject
) -> None:
    batched, plain = augmentation
    images = torch.randn(len(draws), 2, *size, generator=torch.Generator().manual_seed(0))
    before, pairs = images.clone(), np.array([(seed, number) for number in draws])
    found = batched(images, pairs, stream)
    assert torch.equal(images, before)
    chosen = uniform(pairs, stream=stream, count=batched.numbers).tolist()
    wanted = [plain(image, line) for image, line in zip(images, chosen, strict=True)]
    assert torch.equal(found, torch.stack(wanted))
    order = data.draw(st.permutations(range(len(draws))))[: data.draw(st.integers(1, 6))]
    assert torch.equal(batched(images[order], pairs[order], stream), found[order])
