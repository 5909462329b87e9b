"""Properties of transforms: image and targets stay aligned, values stay unchanged.

The number of a pixel is in its label, its depth and its normal, and its row and column in the
image's colours; an account of where pixels go, written plainly, says what has to come out.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from mtlplugins.common.randomness import seeded
from mtlplugins.datasets.transforms import (
    MultiTaskColorJitter,
    MultiTaskRandomFlip,
    MultiTaskResize,
    PackMultiTask,
)
from tests.faults.properties._examples import examples
from tests.faults.properties._places import MAPS, Account, make_image, maps_of, sizes, steps

pytestmark = pytest.mark.faults

pipelines = st.lists(steps(), max_size=4)
seeds = st.integers(0, 2**40)
some_maps = st.sets(st.sampled_from(MAPS))


def run(pipeline: list, results: dict, *entropy: int) -> dict:
    with seeded(*entropy):
        for step in pipeline:
            results = step(results)
    return results


@examples(250)
@given(sizes, pipelines, seeds)
def test_image_and_targets_stay_in_step(size: tuple[int, int], pipeline: list, seed: int) -> None:
    results, account = make_image(size, set(MAPS)), Account(size)
    with seeded(seed):
        for step in pipeline:
            results = step(results)
            account.follow(step, results)
    height, width = shape = len(account.rows.sources), len(account.columns.sources)
    assert results["img"].shape == (*shape, 3)
    assert results["img"].dtype == np.uint8
    assert tuple(results["img_shape"][:2]) == shape
    # every rounding to whole shades, and OpenCV's own in fixed point
    slack = 0.01 + 1.5 * account.resized
    ramps = np.broadcast_to(account.rows.shades[:, None], shape), account.columns.shades[None]
    for channel, shades in enumerate((*ramps, 77)):
        off = np.abs(results["img"][..., channel] - shades)
        assert off.max() <= (slack if channel < 2 else 0)

    places = size[0] * size[1]
    maps = maps_of(np.arange(places), places)
    wanted = [{task: values[place] for task, values in maps.items()} for place in range(places)]
    sign = np.array([-1 if account.mirrored else 1, 1, 1])
    for row, column in product(range(height), range(width)):
        sources = product(account.rows.sources[row], account.columns.sources[column])
        found = {task: results[f"gt_{task}"][row, column] for task in MAPS}
        assert any(
            found["semantic"] == source["semantic"]
            and np.isclose(found["depth"] * account.zoom, source["depth"], rtol=1e-5, atol=0)
            and (found["normals"] == sign * source["normals"]).all()
            for source in (wanted[y * size[1] + x] for y, x in sources)
        )


@examples(150)
@given(sizes, pipelines, seeds, some_maps)
def test_targets_do_not_depend_on_each_other(
    size: tuple[int, int], pipeline: list, seed: int, tasks: set[str]
) -> None:
    every = run(pipeline, make_image(size, set(MAPS)), seed)
    some = run(pipeline, make_image(size, tasks), seed)
    assert_array_equal(some["img"], every["img"])
    kinds = dict(semantic=np.int32, depth=np.float32, normals=np.float32)
    for task in MAPS:
        assert (f"gt_{task}" in some) == (task in tasks)
    for task in tasks:
        assert some[f"gt_{task}"].dtype == kinds[task]
        assert_array_equal(some[f"gt_{task}"], every[f"gt_{task}"])


@examples(150)
@given(sizes, pipelines, st.integers(0, 2**62), st.integers(0, 2**62), some_maps)
def test_what_becomes_of_an_image_is_a_function_of_seed_and_draw(
    size: tuple[int, int], pipeline: list, seed: int, draw: int, tasks: set[str]
) -> None:
    pipeline = [MultiTaskColorJitter(), *pipeline, PackMultiTask()]
    first = run(pipeline, make_image(size, tasks), seed, draw)
    np.random.rand(3)
    torch.rand(3)
    again = run(pipeline, make_image(size, tasks), seed, draw)
    assert torch.equal(first["inputs"], again["inputs"])
    samples = first["data_samples"], again["data_samples"]
    assert samples[0].metainfo == samples[1].metainfo
    for task in tasks:
        assert torch.equal(*(sample.target(task).data for sample in samples))


@examples(150)
@given(sizes, pipelines, seeds, some_maps)
def test_packed_as_documented(
    size: tuple[int, int], pipeline: list, seed: int, tasks: set[str]
) -> None:
    results = run(pipeline, make_image(size, tasks), seed)
    packed = PackMultiTask()(results)
    shape = results["img"].shape[:2]
    assert packed["inputs"].dtype == torch.uint8
    assert packed["inputs"].shape == (3, *shape)
    sample = packed["data_samples"]
    assert tuple(sample.img_shape[:2]) == shape
    assert sample.ori_shape == size
    assert sample.invalid == dict(semantic=-1, depth=0.0, normals=0.0)
    kinds = dict(semantic=(torch.int64, 1), depth=(torch.float32, 1), normals=(torch.float32, 3))
    for task in MAPS:
        target = sample.target(task)
        assert (target is not None) == (task in tasks)
        if target is not None:
            dtype, channels = kinds[task]
            assert (target.data.dtype, tuple(target.data.shape)) == (dtype, (channels, *shape))
            assert target.data.is_contiguous()
            plain = np.atleast_3d(results[f"gt_{task}"]).transpose(2, 0, 1)
            assert_array_equal(target.data.numpy(), plain)
    assert_array_equal(packed["inputs"].numpy(), results["img"].transpose(2, 0, 1))


@examples(60)
@given(sizes, some_maps)
def test_a_flip_undoes_itself(size: tuple[int, int], tasks: set[str]) -> None:
    flip, before = MultiTaskRandomFlip(prob=1.0), make_image(size, tasks)
    once = dict(flip(make_image(size, tasks)))
    twice = flip(dict(once))
    assert_array_equal(once["img"], before["img"][:, ::-1])
    for key in ("img", *(f"gt_{task}" for task in tasks)):
        assert_array_equal(twice[key], before[key])
    if "normals" in tasks:
        lengths = [np.linalg.norm(r["gt_normals"], axis=-1) for r in (once, before)]
        assert_array_equal(lengths[0], lengths[1][:, ::-1])


@examples(60)
@given(sizes, st.integers(1, 5), some_maps)
def test_whole_factors_copy_targets(size: tuple[int, int], times: int, tasks: set[str]) -> None:
    """Each pixel becomes a square of itself, and back again where the factor is odd."""
    before, larger = make_image(size, tasks), (size[0] * times, size[1] * times)
    enlarged = dict(MultiTaskResize(larger)(make_image(size, tasks)))
    for task in tasks:
        plain = before[f"gt_{task}"].repeat(times, 0).repeat(times, 1)
        assert_array_equal(enlarged[f"gt_{task}"], plain)
    if times % 2:
        back = MultiTaskResize(size)(enlarged)
        for task in tasks:
            assert_array_equal(back[f"gt_{task}"], before[f"gt_{task}"])
        # bilinearly too, the centre of a square is the pixel itself
        assert_allclose(back["img"].astype(int), before["img"], atol=1)


@examples(60)
@given(sizes, seeds, some_maps)
def test_colours_leave_places_and_targets_alone(
    size: tuple[int, int], seed: int, tasks: set[str]
) -> None:
    before, after = (
        make_image(size, tasks),
        run([MultiTaskColorJitter()], make_image(size, tasks), seed),
    )
    assert after["img"].shape == before["img"].shape
    assert after["img"].dtype == np.uint8
    for task in tasks:
        assert_array_equal(after[f"gt_{task}"], before[f"gt_{task}"])
    # equal colours stay equal: no pixel moves
    grey = dict(img=np.full((*size, 3), 130, np.uint8))
    colours = run([MultiTaskColorJitter()], grey, seed)["img"].reshape(-1, 3)
    assert (colours == colours[0]).all()
