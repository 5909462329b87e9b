from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from mmcv.transforms import RandomFlip
from mmseg.registry import TRANSFORMS

from mtlplugins.common.randomness import seeded
from mtlplugins.datasets import DepthMap, ImageLabel, LabelMap, NormalMap, RoomsDataset
from mtlplugins.datasets.transforms import (
    LoadTargets,
    MultiTaskRandomFlip,
    MultiTaskRandomResizedCrop,
    MultiTaskResize,
)
from mtlplugins.datasets.transforms.foreign import check_pipeline
from mtlplugins.rooms.renderer import Room, render_room
from tests._data import make_image
from tests.datasets.transforms.test_formatting import item as packable

MAPS = ("gt_semantic", "gt_depth", "gt_normals")
Box = tuple[int, int, int, int]


def load(room: Room) -> dict:
    """What the pipeline gets for a rendered view."""
    types = dict(
        semantic=LabelMap([str(i) for i in range(14)]), depth=DepthMap(), normals=NormalMap()
    )
    return dict(
        img=room.image[..., ::-1].copy(),
        ori_shape=room.depth.shape,
        img_shape=room.depth.shape,
        target_types=types,
        gt_semantic=room.semantic.astype(np.int32),
        gt_depth=room.depth,
        gt_normals=room.normals,
        seg_fields=list(MAPS),
    )


def crop_resize(results: dict, box: Box, size: tuple[int, int], *, zoom: bool = False) -> dict:
    """The transform with its random choice fixed."""
    transform = MultiTaskRandomResizedCrop(size, zoom_depth=zoom)
    transform.rand_crop_params = lambda img: box
    return transform(dict(results))


def nearest(centre: float) -> set[int]:
    """Pixels whose centre is nearest to a position along an axis: two at a border of pixels."""
    return {int(np.floor(centre - 2e-3)), int(np.floor(centre + 2e-3))}


def reference(values: np.ndarray, box: Box, size: tuple[int, int], row: int, column: int) -> list:
    """Values that a resampled pixel may have: of the source pixels nearest to its centre."""
    top, left, height, width = box
    rows = nearest((row + 0.5) * height / size[0])
    columns = nearest((column + 0.5) * width / size[1])
    return [values[top + y, left + x] for y in rows for x in columns]


# flips


def test_a_flip_mirrors_places_and_directions() -> None:
    room = render_room(0, 1, size=(24, 32))
    flipped = MultiTaskRandomFlip(prob=1.0)(load(room))
    assert flipped["flip"] is True
    np.testing.assert_array_equal(flipped["img"], room.image[:, ::-1, ::-1])
    np.testing.assert_array_equal(flipped["gt_semantic"], room.semantic[:, ::-1])
    np.testing.assert_array_equal(flipped["gt_depth"], room.depth[:, ::-1])
    np.testing.assert_array_equal(flipped["gt_normals"][..., 0], -room.normals[:, ::-1, 0])
    np.testing.assert_array_equal(flipped["gt_normals"][..., 1:], room.normals[:, ::-1, 1:])
    assert np.abs(room.normals[..., 0]).max() > 0.1


def test_flipping_twice_changes_nothing() -> None:
    results = load(render_room(0, 1, size=(24, 32)))
    flip = MultiTaskRandomFlip(prob=1.0)
    twice = flip(flip(dict(results)))
    for key in ("img", *MAPS):
        np.testing.assert_array_equal(twice[key], results[key])


def test_normals_still_fit_the_depth_after_a_flip() -> None:
    """The plane through neighbouring points, found from depth alone, faces along the normal."""
    room = render_room(0, 1, size=(48, 64))
    flipped = MultiTaskRandomFlip(prob=1.0)(load(room))
    planes = room.normals[:, :-1] == room.normals[:, 1:]
    same = (planes.all(-1) & (room.semantic[:, :-1] == room.semantic[:, 1:]))[:, ::-1]
    slope = 1 / flipped["gt_depth"][:, :-1] - 1 / flipped["gt_depth"][:, 1:]
    # on a plane n·(x, y, 1)·z = d with d < 0 for visible ones, so 1/z falls where n_x/d falls
    facing = flipped["gt_normals"][:, :-1, 0]
    tilted = same & (np.abs(facing) > 0.2) & (np.abs(slope) > 1e-4)
    assert tilted.sum() > 100
    assert np.mean(np.sign(slope[tilted]) == np.sign(facing[tilted])) > 0.99


def test_flips_have_the_probability_asked_for() -> None:
    np.random.seed(0)
    flip = MultiTaskRandomFlip(prob=0.3)
    flips = [flip(packable())["flip"] for _ in range(400)]
    assert 90 < sum(map(bool, flips)) < 150


# crops


BOXES = [(0, 0, 48, 64), (3, 5, 40, 50), (10, 20, 13, 9), (7, 0, 41, 64), (47, 63, 1, 1)]


@pytest.mark.parametrize("size", [(16, 16), (24, 32), (33, 71), (96, 128)])
@pytest.mark.parametrize("box", BOXES)
def test_targets_take_the_nearest_pixel(box: Box, size: tuple[int, int]) -> None:
    room = render_room(2, 4, size=(48, 64))
    cropped = crop_resize(load(room), box, size)
    assert cropped["crop_box"] == box
    assert cropped["img_shape"] == size
    assert cropped["img"].shape == (*size, 3)
    for key in MAPS:
        values = getattr(room, key.removeprefix("gt_"))
        assert cropped[key].shape == (*size, *values.shape[2:])
        for row in range(size[0]):
            for column in range(0, size[1], 3):
                candidates = reference(values, box, size, row, column)
                assert any(np.array_equal(cropped[key][row, column], c) for c in candidates)


SHRUNKEN = [(3, (0, 0, 24, 32)), (3, (4, 6, 12, 16)), (5, (8, 0, 9, 31))]


@pytest.mark.parametrize(("times", "crop"), SHRUNKEN)
def test_a_shrunken_crop_is_what_a_coarser_camera_sees(times: int, crop: Box) -> None:
    """An odd factor puts the centres of coarse pixels on those of fine ones: equal, bit for bit."""
    fine = render_room(1, 3, size=(24 * times, 32 * times))
    box = tuple(times * value for value in crop)
    cropped = crop_resize(load(fine), box, crop[2:])
    coarse = render_room(1, 3, size=(24, 32), crop=crop)
    np.testing.assert_array_equal(cropped["gt_semantic"], coarse.semantic)
    np.testing.assert_allclose(cropped["gt_depth"], coarse.depth, rtol=1e-5)
    np.testing.assert_allclose(cropped["gt_normals"], coarse.normals, atol=1e-5)


@pytest.mark.parametrize("times", [2, 4])
def test_an_even_factor_stays_within_half_a_fine_pixel(times: int) -> None:
    fine = render_room(1, 3, size=(24 * times, 32 * times))
    cropped = crop_resize(load(fine), (0, 0, 24 * times, 32 * times), (24, 32))
    coarse = render_room(1, 3, size=(24, 32))
    around = [
        fine.depth[times // 2 - up :: times, times // 2 - left :: times]
        for up in (0, 1)
        for left in (0, 1)
    ]
    assert np.any([cropped["gt_depth"] == depth for depth in around], axis=0).all()
    assert np.mean(np.abs(cropped["gt_depth"] / coarse.depth - 1) < 0.05) > 0.95
    assert np.mean(cropped["gt_semantic"] == coarse.semantic) > 0.95


def test_no_new_value_appears() -> None:
    rng = np.random.default_rng(0)
    results = load(render_room(5, 0, size=(48, 64)))
    results["gt_semantic"] = rng.choice(np.array([0, 7, 13, 255], np.int32), (48, 64))
    results["gt_depth"] = rng.choice(np.array([0, 0.5, 9.75], np.float32), (48, 64))
    for box in BOXES:
        for size in ((20, 20), (70, 90)):
            cropped = crop_resize(results, box, size)
            assert set(np.unique(cropped["gt_semantic"])) <= {0, 7, 13, 255}
            assert set(np.unique(cropped["gt_depth"])) <= {0, 0.5, 9.75}
            assert cropped["gt_semantic"].dtype == np.int32
            assert cropped["gt_depth"].dtype == np.float32


@pytest.mark.parametrize("size", [(20, 30), (48, 64), (96, 160)])
def test_image_and_targets_stay_aligned(size: tuple[int, int]) -> None:
    """With a ramp as the image, the colour of a pixel is the place that it comes from."""
    rows, columns = np.mgrid[0:48, 0:64].astype(np.float32) + 0.5
    results = load(render_room(0, 0, size=(48, 64)))
    results["img"] = np.rint(np.stack([3 * rows, 3 * columns, 0 * rows], -1)).astype(np.uint8)
    results["gt_depth"] = np.floor(rows) * 100 + np.floor(columns)
    top, left, height, width = box = (4, 8, 40, 50)
    cropped = crop_resize(results, box, size)
    y = top + (np.arange(size[0])[:, None] + 0.5) * height / size[0]
    x = left + (np.arange(size[1])[None] + 0.5) * width / size[1]
    inner = (slice(4, -4), slice(4, -4))  # at the border bilinear repeats the last pixel
    for channel, place in ((0, y), (1, x)):
        error = (cropped["img"][..., channel] / 3 - place)[inner]
        assert np.abs(error).max() < 0.4
        assert abs(error.mean()) < 0.05
    depth_row, depth_column = np.divmod(cropped["gt_depth"], 100)
    for error in (depth_row + 0.5 - y, depth_column + 0.5 - x):
        assert np.abs(error).max() <= 0.502
        # where the centre falls between two pixels, always the same one is taken
        assert abs(error.mean()) < 0.1 or np.ptp(error) == 0


# zoom


@pytest.mark.parametrize(
    ("box", "factor"), [((12, 16, 24, 32), 2), ((0, 0, 48, 64), 1), ((12, 16, 24, 16), sqrt(8))]
)
@pytest.mark.parametrize("size", [(48, 64), (20, 20)])
def test_zoomed_depth_by_hand(box: Box, factor: float, size: tuple[int, int]) -> None:
    """The factor is the root of the image's area over the part's, at any output size."""
    results = load(render_room(0, 0, size=(48, 64)))
    zoomed = crop_resize(results, box, size, zoom=True)
    plain = crop_resize(results, box, size)
    np.testing.assert_allclose(zoomed["gt_depth"], plain["gt_depth"] / factor, rtol=1e-6)
    np.testing.assert_array_equal(zoomed["gt_semantic"], plain["gt_semantic"])
    np.testing.assert_array_equal(zoomed["gt_normals"], plain["gt_normals"])
    assert zoomed["gt_depth"].dtype == np.float32


def test_zooming_keeps_the_lateral_extent() -> None:
    """x = u·z/f: enlarging u and shrinking z by one factor leaves x where it was.

    f is that of the camera at the output size: an image tested as a whole is resized too.
    """
    room = render_room(0, 0, size=(48, 66))
    zoomed = crop_resize(load(room), (16, 22, 16, 22), (48, 66), zoom=True)["gt_depth"]
    sides = np.arange(66) + 0.5 - 33
    before = (sides * room.depth)[16:32, 22:44]
    np.testing.assert_allclose((sides * zoomed)[1::3, 1::3], before, rtol=1e-5)
    larger = crop_resize(load(room), (16, 22, 16, 22), (80, 110), zoom=True)["gt_depth"]
    sides = (np.arange(110) + 0.5 - 55) * 66 / 110
    np.testing.assert_allclose((sides * larger)[2::5, 2::5], before, rtol=1e-5)


def test_missing_depth_stays_missing_when_zoomed() -> None:
    results = load(render_room(0, 0, size=(48, 64)))
    results["gt_depth"] = np.where(np.arange(64) % 2, results["gt_depth"], np.float32(0))
    zoomed = crop_resize(results, (12, 16, 24, 32), (24, 32), zoom=True)
    np.testing.assert_array_equal(zoomed["gt_depth"], results["gt_depth"][12:36, 16:48] / 2)
    assert np.mean(zoomed["gt_depth"] == 0) == 0.5


def test_one_number_is_a_square() -> None:
    np.random.seed(0)
    cropped = MultiTaskRandomResizedCrop(12)(load(render_room(0, 0, size=(24, 32))))
    assert cropped["gt_depth"].shape == (12, 12)


def test_targets_that_an_image_lacks_are_no_obstacle() -> None:
    np.random.seed(0)
    results = load(render_room(0, 0, size=(24, 32)))
    del results["gt_depth"]
    results["seg_fields"].remove("gt_depth")
    for transform in (MultiTaskRandomResizedCrop(12), MultiTaskRandomFlip(1.0)):
        results = transform(results)
    assert results["gt_semantic"].shape == (12, 12)
    assert "gt_depth" not in results


# resizing


def test_resizing_takes_loaded_targets_along() -> None:
    room = render_room(0, 2, size=(36, 48))
    resized = MultiTaskResize((12, 16))(load(room))
    assert resized["img"].shape == (12, 16, 3)
    np.testing.assert_array_equal(resized["gt_depth"], room.depth[1::3, 1::3])
    np.testing.assert_array_equal(resized["gt_normals"], room.normals[1::3, 1::3])
    assert resized["ori_shape"] == (36, 48)
    assert resized["img_shape"] == (12, 16)


def test_a_pipeline_of_rooms_keeps_all_in_step() -> None:
    """Labels, depth and normals of one pixel still belong to one pixel of the room."""
    steps = [dict(type="MultiTaskRandomResizedCrop", scale=20), dict(type="MultiTaskRandomFlip")]
    item = RoomsDataset(3, size=(24, 32), pipeline=steps)[1]
    room = render_room(0, 1, size=(24, 32))
    places = {
        depth: (label, *normal)
        for depth, label, normal in zip(
            room.depth.ravel().tolist(),
            room.semantic.ravel().tolist(),
            room.normals.reshape(-1, 3).tolist(),
            strict=True,
        )
    }
    sign = -1 if item["flip"] else 1
    alone = [d for d in places if (room.depth == np.float32(d)).sum() == 1]
    seen = 0
    for row, column in np.ndindex(20, 20):
        depth = float(item["gt_depth"][row, column])
        if depth not in alone:
            continue
        x, y, z = item["gt_normals"][row, column].tolist()
        assert (item["gt_semantic"][row, column], sign * x, y, z) == places[depth]
        seen += 1
    assert seen > 50


# left and right as classes


def test_a_flip_exchanges_classes_of_left_and_right() -> None:
    """Of the targets that say so; 255 stays, and a depth of 1 m is no class 1."""
    parts = np.array([[0, 1, 2, 255], [3, 2, 1, 0]], np.int32)
    classes = ["head", "left arm", "right arm", "legs"]
    targets = dict(
        parts=LabelMap(classes, left_right=[("left arm", "right arm")]),
        plain=LabelMap(classes),
        depth=DepthMap(),
        turn=ImageLabel(classes=["left", "on", "right"], left_right=[("right", "left")]),
        scene=ImageLabel(classes=["left", "on", "right"]),
    )
    results = dict(
        img=np.zeros((2, 4, 3), np.uint8),
        seg_fields=["gt_parts", "gt_plain", "gt_depth"],
        target_types=targets,
        gt_parts=parts,
        gt_plain=parts,
        gt_depth=parts.astype(np.float32),
        gt_turn=0,
        gt_scene=0,
    )
    flipped = MultiTaskRandomFlip(prob=1.0)(results)
    expected = [[255, 1, 2, 0], [0, 2, 1, 3]]
    np.testing.assert_array_equal(flipped["gt_parts"], expected)
    np.testing.assert_array_equal(flipped["gt_plain"], parts[:, ::-1])
    np.testing.assert_array_equal(flipped["gt_depth"], parts[:, ::-1])
    assert (flipped["gt_turn"], flipped["gt_scene"]) == (2, 0)
    assert targets["turn"].mirror(1) == 1


@pytest.mark.parametrize(
    "pairs", [[("a", "d")], [("a", "a")], [("a", "b"), ("b", "c")], ["ab"], [("a",)]]
)
def test_left_and_right_are_pairs_of_classes(pairs: list) -> None:
    message = r"LabelMap: left_right=.*, give pairs of names of a, b, c, each in one pair"
    with pytest.raises(ValueError, match=message):
        LabelMap(["a", "b", "c"], left_right=pairs)


def test_mmsegs_flip_is_refused_where_it_would_exchange_metres() -> None:
    swap = dict(type="RandomFlip", prob=1.0, swap_seg_labels=[(1, 2)])
    targets = dict(parts=LabelMap(["a", "b", "c"]), depth=DepthMap())
    pairs = dict(parts=LabelMap(["a", "b", "c"], left_right=[("a", "c")]))
    plain = dict(type="RandomFlip", prob=1.0)
    check_pipeline([LoadTargets(), TRANSFORMS.build(plain)], targets)
    for flip, which, message in (
        (
            swap,
            targets,
            "would exchange values in parts, depth alike; give the LabelMap left_right",
        ),
        (plain, pairs, "mirrors the places of parts and not the directions or classes"),
    ):
        with pytest.raises(ValueError, match=f"RandomFlip {message}.*use MultiTaskRandomFlip"):
            check_pipeline([LoadTargets(), TRANSFORMS.build(flip)], which)


def test_flips_are_drawn_as_by_mmcv() -> None:
    for prob in (0.0, 0.3, 0.5, 1.0):
        mmcvs, ours = RandomFlip(prob=prob), MultiTaskRandomFlip(prob)
        for seed in range(30):
            flipped = []
            for flip in (mmcvs, ours):
                with seeded(seed):
                    done = flip(dict(img=make_image(seed)))
                    flipped.append((done["flip"], done["flip_direction"], np.random.rand()))
                    np.testing.assert_array_equal(
                        done["img"], make_image(seed)[:, :: -1 if done["flip"] else 1]
                    )
            assert flipped[0] == flipped[1]
