"""Properties of windows of images and tokens, and of attention blocks, for any size."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from mtlplugins.models.layers.token_attention import resize_row_blocks
from mtlplugins.models.layers.windows import (
    pad_to_windows,
    padded_size,
    partition,
    shift_mask,
    unpartition,
)
from mtlplugins.models.sliding import average_windows
from tests.faults.properties._examples import examples

pytestmark = pytest.mark.faults

sides = st.integers(1, 24)
sizes = st.tuples(sides, sides)


def random(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


# sliding over images


@st.composite
def windows(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Sizes of images and windows, and a stride that leaves no gaps."""
    size, crop = draw(sizes), draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    return size, crop, tuple(draw(st.integers(1, side)) for side in crop)


def starts(side: int, crop: int, stride: int) -> list[int]:
    """First pixels of the windows along an axis: step on until one ends with the image."""
    found = [0]
    while found[-1] + crop < side:
        found.append(min(found[-1] + stride, side - crop))
    return found


@examples(200)
@given(windows())
def test_every_pixel_is_the_mean_of_the_windows_over_it(sizes: tuple) -> None:
    size, crop, stride = sizes
    images, seen = random(2, 3, *size), []

    def run(window: Tensor) -> dict[str, Tensor]:
        """Logits that tell the window, and each pixel in it, from all others."""
        seen.append(tuple(window.shape[-2:]))
        number = float(len(seen))
        return dict(sum=window.sum(1, keepdim=True) + number, number=window * 0 + number)

    found = average_windows(run, images, crop_size=crop, stride=stride)
    crop = tuple(min(c, s) for c, s in zip(crop, size, strict=True))
    corners = [*product(*map(starts, size, crop, stride))]
    assert seen == [crop] * len(corners)
    total, count = torch.zeros(size, dtype=torch.float64), torch.zeros(size)
    for number, (top, left) in enumerate(corners, 1):
        total[top : top + crop[0], left : left + crop[1]] += number
        count[top : top + crop[0], left : left + crop[1]] += 1
    assert count.min() >= 1
    mean = (total / count).expand(2, 3, *size)
    torch.testing.assert_close(found["number"], mean)
    torch.testing.assert_close(found["sum"], images.sum(1, keepdim=True) + mean[:, :1])


@examples(60)
@given(windows(), st.integers(1, 4))
def test_coarse_logits_are_brought_to_the_window(sizes: tuple, divisor: int) -> None:
    """Of a constant, whatever the resolution that a window is computed in."""
    size, crop, stride = sizes

    def run(window: Tensor) -> dict[str, Tensor]:
        coarse = [-(-side // divisor) for side in window.shape[-2:]]
        return dict(depth=window.new_full((len(window), 2, *coarse), 7.5))

    found = average_windows(run, random(1, 3, *size), crop_size=crop, stride=stride)
    torch.testing.assert_close(found["depth"], torch.full((1, 2, *size), 7.5, dtype=torch.float64))


# windows of tokens


@examples(200)
@given(sizes, st.integers(1, 8), st.integers(1, 3), st.integers(1, 3))
def test_windows_hold_what_they_cover(
    size: tuple[int, int], window: int, rows: int, channels: int
) -> None:
    whole = padded_size(size, window)
    assert all(w % window == 0 and 0 <= w - s < window for w, s in zip(whole, size, strict=True))
    x = random(rows, *size, channels)
    padded = pad_to_windows(x, window)
    assert padded.shape == (rows, *whole, channels)
    assert torch.equal(padded[:, : size[0], : size[1]], x)
    assert not padded[:, size[0] :].any()
    assert not padded[:, :, size[1] :].any()
    cut = partition(padded, window)
    corners = [*product(range(0, whole[0], window), range(0, whole[1], window))]
    assert cut.shape == (rows, len(corners), window**2, channels)
    for number, (top, left) in enumerate(corners):
        square = padded[:, top : top + window, left : left + window]
        assert torch.equal(cut[:, number], square.flatten(1, 2))
    assert torch.equal(unpartition(cut, whole, window), padded)


@examples(100)
@given(st.tuples(st.integers(1, 12), st.integers(1, 12)), st.integers(1, 6))
def test_tokens_attend_to_neighbours_alone(size: tuple[int, int], window: int) -> None:
    """In a map that was rolled by half a window, not across the edge that it was rolled around."""
    height, width = padded_size(size, window)
    shift = window // 2
    places = torch.tensor([*product(range(height), range(width))]).view(1, height, width, 2)
    tokens = partition(places.roll((-shift, -shift), dims=(1, 2)), window)[0]
    crossed = tokens < shift  # (nW, window², 2)
    same = (crossed[:, :, None] == crossed[:, None]).all(dim=-1)
    mask = shift_mask(size, window, random(1))
    assert mask.dtype == torch.float64
    wanted = torch.zeros(same.shape, dtype=torch.float64).masked_fill(~same, float("-inf"))
    assert torch.equal(mask, wanted[:, None])


# blocks of attention


@st.composite
def grids(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[int, int]]:
    sides = st.integers(1, 6)
    return tuple(draw(st.tuples(sides, sides)) for _ in range(2))


def matrix_of(blocks: Tensor) -> Tensor:
    """Blocks (T, h, w, w) on the diagonal of (T, h·w, h·w)."""
    return torch.stack([torch.block_diag(*task) for task in blocks])


@examples(200)
@given(grids(), st.integers(1, 3))
def test_row_blocks_of_another_grid(grids: tuple, tasks: int) -> None:
    (height, width), (new_height, new_width) = size, new_size = grids
    blocks = random(tasks, height, width, width)
    found = resize_row_blocks(matrix_of(blocks), size, new_size)
    # each axis by itself: where its new points lie among the old ones
    for axis, side in ((1, new_height), (2, new_width), (3, new_width)):
        moved = blocks.movedim(axis, -1)
        shape = moved.shape[:-1]
        moved = F.interpolate(moved.reshape(1, -1, moved.shape[-1]), size=side, mode="linear")
        blocks = moved.reshape(*shape, side).movedim(-1, axis)
    torch.testing.assert_close(found, matrix_of(blocks))


@examples(100)
@given(grids(), st.floats(-5, 5), st.floats(-3, 3))
def test_row_blocks_of_constants(grids: tuple, value: float, factor: float) -> None:
    (height, width), (new_height, new_width) = size, new_size = grids
    assume(size != new_size)
    constant = torch.full((1, height, width, width), value, dtype=torch.float64)
    found = resize_row_blocks(matrix_of(constant), size, new_size)
    wanted = torch.full((1, new_height, new_width, new_width), value, dtype=torch.float64)
    torch.testing.assert_close(found, matrix_of(wanted))
    some, other = (matrix_of(random(1, height, width, width) + k) for k in (0, 1))
    parts = [resize_row_blocks(m, size, new_size) for m in (some, other, some + factor * other)]
    torch.testing.assert_close(parts[2], parts[0] + factor * parts[1])
