from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import mtlplugins  # noqa: F401
from mtlplugins.rooms.casting import Boxes, Camera, cast
from mtlplugins.rooms.renderer import (
    CLASSES,
    PALETTE,
    SCENES,
    SUPERCLASS_OF_SCENE,
    SUPERCLASSES,
    Room,
    render_room,
)
from mtlplugins.rooms.scenes import sample_scene

MAPS = ("image", "semantic", "depth", "normals")
NO_BOXES = Boxes(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))


@pytest.fixture(scope="module")
def rooms() -> list[Room]:
    return [render_room(0, index, size=(48, 64)) for index in range(90)]


def same(one: Room, two: Room) -> bool:
    labels = (one.scene, one.superclass) == (two.scene, two.superclass)
    return labels and all(np.array_equal(getattr(one, m), getattr(two, m)) for m in MAPS)


def pixel_rays(height: int, width: int, field_of_view: float) -> np.ndarray:
    """(H, W, 3) camera-frame directions, written down anew from the pinhole model."""
    focal = 0.5 * width / np.tan(0.5 * field_of_view)
    rows, columns = np.mgrid[0:height, 0:width]
    right = (columns + 0.5 - width / 2) / focal
    down = (rows + 0.5 - height / 2) / focal
    return np.stack([right, down, np.ones_like(right)], -1)


def test_the_maps_have_the_promised_shapes_and_types() -> None:
    room = render_room(1, 2, size=(30, 50))
    described = {m: (getattr(room, m).shape, getattr(room, m).dtype.name) for m in MAPS}
    assert described == {
        "image": ((30, 50, 3), "uint8"),
        "semantic": ((30, 50), "uint8"),
        "depth": ((30, 50), "float32"),
        "normals": ((30, 50, 3), "float32"),
    }
    assert len(PALETTE) == len(CLASSES) == 14
    assert len({tuple(colour) for colour in PALETTE}) == 14


def test_a_room_depends_on_seed_and_index_alone() -> None:
    before = np.random.get_state()[1].copy()
    forward = [render_room(3, index, size=(24, 32)) for index in range(6)]
    with ThreadPoolExecutor(3) as pool:
        order = [5, 1, 4, 0, 3, 2]
        threads = list(pool.map(lambda index: render_room(3, index, size=(24, 32)), order))
    assert all(same(forward[index], room) for index, room in zip(order, threads, strict=True))
    assert np.array_equal(np.random.get_state()[1], before)
    assert not same(forward[0], render_room(4, 0, size=(24, 32)))
    assert not same(forward[0], forward[1])


@pytest.mark.parametrize(
    "crop", [(13, 27, 50, 77), (0, 0, 96, 128), (95, 127, 1, 1), (0, 5, 7, 31)]
)
def test_a_rendered_crop_is_the_crop_of_the_render(crop: tuple[int, int, int, int]) -> None:
    top, left, height, width = crop
    for index in range(6):
        whole, part = render_room(5, index), render_room(5, index, crop=crop)
        for name in MAPS:
            expected = getattr(whole, name)[top : top + height, left : left + width]
            assert np.array_equal(getattr(part, name), expected), (index, name)


def test_a_fractional_crop_spreads_its_pixels_evenly() -> None:
    # (0.5, 1, 8.5, 12) of (32, 48) has 8 rows 8.5 / 8 apart; its first centre is 0.5 + 17 / 32.
    camera = Camera((1, 2, 1.5), 0.3)
    rays = camera.rays((32, 48), (0.5, 1, 8.5, 12))
    assert rays.shape == (3, 8, 12)
    focal = 24 / np.tan(np.radians(30))
    down = (0.5 + 17 / 32 - 16) / focal
    np.testing.assert_allclose(rays[2, 0], -down, rtol=1e-6)  # level camera: world z is minus down


def test_three_times_the_size_agrees_at_the_shared_pixel_centres() -> None:
    for index in range(4):
        small, large = render_room(2, index), render_room(2, index, size=(288, 384))
        agree = small.semantic == large.semantic[1::3, 1::3]
        assert agree.mean() > 0.999  # a pixel on an edge may fall to either side
        np.testing.assert_allclose(small.depth[agree], large.depth[1::3, 1::3][agree], rtol=2e-3)
        difference = small.image.astype(int) - large.image[1::3, 1::3]
        assert (np.abs(difference) > 2).mean() < 0.01


def test_an_empty_room_has_the_depths_of_its_planes() -> None:
    camera, size = Camera((1.0, 2.0, 1.2), yaw=0.0), (31, 41)
    hits = cast(camera, NO_BOXES, extent=(5.0, 4.0, 3.0), size=size)
    rays = pixel_rays(*size, camera.field_of_view)
    # It looks along x: the wall is 4 m ahead, side walls 2 m, ceiling 1.8 m up, floor 1.2 m down.
    with np.errstate(divide="ignore"):
        side, above, below = 2 / np.abs(rays[..., 0]), -1.8 / rays[..., 1], 1.2 / rays[..., 1]
    candidates = np.stack([np.full(size, 4.0), side, above, below])
    expected = np.where(candidates > 0, candidates, np.inf).min(0)
    np.testing.assert_allclose(hits.depth.reshape(size), expected, rtol=1e-5)
    assert hits.depth.reshape(size)[15, 20] == 4.0


@pytest.mark.parametrize(("yaw", "expected"), [(0.0, 1.5), (np.pi / 4, 2 - np.sqrt(0.5))])
def test_a_turned_box_is_met_at_its_nearest_place(yaw: float, expected: float) -> None:
    boxes = Boxes(np.array([[3.0, 2.0, 1.5]]), np.full((1, 3), 0.5), np.array([yaw]))
    hits = cast(Camera((1.0, 2.0, 1.5), 0.0), boxes, extent=(5.0, 4.0, 3.0), size=(201, 201))
    depth, box = hits.depth.reshape(201, 201), hits.box.reshape(201, 201)
    assert depth[100, 100] == pytest.approx(expected, abs=1e-3)
    assert box[100, 100] == 1
    assert box[0, 0] == 0


def test_yaw_pitch_and_roll_turn_the_camera_as_described() -> None:
    right, down, forward = Camera((0, 0, 0), yaw=np.pi / 2).axes()
    np.testing.assert_allclose(
        [right, down, forward], [[1, 0, 0], [0, 0, -1], [0, 1, 0]], atol=1e-12
    )
    assert Camera((0, 0, 0), yaw=1.0, pitch=0.2).axes()[2][2] == pytest.approx(np.sin(0.2))
    axes = Camera((0, 0, 0), yaw=1.0, pitch=0.2, roll=-0.3).axes()
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.cross(axes[0], axes[1]), axes[2], atol=1e-12)


def world_points(index: int, room: Room) -> np.ndarray:
    """(H, W, 3) back-projected depth in the world frame."""
    camera = sample_scene(0, index).camera
    in_camera = pixel_rays(*room.depth.shape, camera.field_of_view) * room.depth[..., None]
    return in_camera @ camera.axes() + np.array(camera.position)


def test_back_projected_surfaces_lie_where_the_room_has_them(rooms: list[Room]) -> None:
    for index, room in enumerate(rooms[:40]):
        points, extent = world_points(index, room), np.array(sample_scene(0, index).extent)
        assert (points > -1e-3).all()
        assert (points < extent + 1e-3).all()
        floor, ceiling = (room.semantic == CLASSES.index(name) for name in ("floor", "ceiling"))
        assert (points[floor][:, 2] < 0.013).all()  # a rug is 12 mm thick
        np.testing.assert_allclose(points[ceiling][:, 2], extent[2], atol=1e-3)
        picture = points[room.semantic == CLASSES.index("picture")][:, :2]
        to_wall = np.minimum(picture, extent[:2] - picture).min(1)
        assert (to_wall < 0.05).all()


def test_normals_agree_with_the_shape_of_the_depth(rooms: list[Room]) -> None:
    compared = 0
    for index, room in enumerate(rooms[:20]):
        camera = sample_scene(0, index).camera
        rays = pixel_rays(*room.depth.shape, camera.field_of_view)
        points = rays * room.depth[..., None]
        across = points[1:-1, 2:] - points[1:-1, :-2]
        along = points[2:, 1:-1] - points[:-2, 1:-1]
        estimate = np.cross(along, across)  # down x right points back along the axis
        estimate /= np.linalg.norm(estimate, axis=-1, keepdims=True)
        # Away from edges: the 3x3 neighbourhood is on one plane, by its normal and its offset.
        offset = (points * room.normals).sum(-1)
        plane = np.concatenate([room.normals, offset[..., None]], -1)
        shifts = [(r, c) for r in range(3) for c in range(3)]
        height, width = offset.shape
        near = np.stack([plane[r : r + height - 2, c : c + width - 2] for r, c in shifts])
        flat = np.ptp(near, axis=0).max(-1) < 1e-3
        cosine = (estimate * room.normals[1:-1, 1:-1]).sum(-1)[flat]
        assert cosine.min() > 0.999
        compared += flat.sum()
    assert compared > 20 * 1000


def test_normals_are_unit_and_face_the_camera(rooms: list[Room]) -> None:
    for index, room in enumerate(rooms):
        np.testing.assert_allclose(np.linalg.norm(room.normals, axis=-1), 1, atol=1e-5)
        rays = pixel_rays(*room.depth.shape, sample_scene(0, index).camera.field_of_view)
        assert ((room.normals * rays).sum(-1) < 0).all()


def test_every_class_is_often_there_and_large_enough(rooms: list[Room]) -> None:
    share = np.array([np.bincount(room.semantic.ravel(), minlength=14) for room in rooms])
    large = (share >= 0.005 * rooms[0].semantic.size).mean(0)
    assert large.min() > 0.08, dict(zip(CLASSES, large, strict=True))
    assert share.sum(0).max() < 0.55 * share.sum()


def test_every_scene_occurs_and_has_its_superclass(rooms: list[Room]) -> None:
    assert {room.scene for room in rooms} == set(range(len(SCENES)))
    assert all(room.superclass == SUPERCLASS_OF_SCENE[room.scene] for room in rooms)
    named = {SCENES[i]: SUPERCLASSES[s] for i, s in enumerate(SUPERCLASS_OF_SCENE)}
    assert named["bedroom"] == named["living_room"] == "rest"
    assert named["kitchen"] == named["dining_room"] == "food"
    assert named["office"] == named["library"] == "work"


def test_depths_are_those_of_a_room(rooms: list[Room]) -> None:
    depth = np.stack([room.depth for room in rooms])
    assert depth.min() > 0.4  # nothing stands before the lens
    low, high = np.quantile(depth, [0.05, 0.95])
    assert low < 1.7
    assert 5 < high < 9


def test_a_predictor_that_looks_at_no_pixel_fails(rooms: list[Room]) -> None:
    semantic = np.stack([room.semantic for room in rooms])
    depth = np.stack([room.depth for room in rooms])
    counts = np.stack([(semantic[:60] == label).sum(0) for label in range(14)])
    guess, truth = np.broadcast_to(counts.argmax(0), semantic[60:].shape), semantic[60:]
    both = [((guess == c) & (truth == c)).sum() for c in range(14)]
    either = [((guess == c) | (truth == c)).sum() for c in range(14)]
    assert np.mean(np.array(both) / np.maximum(either, 1)) < 0.12
    ratio = depth[60:] / np.median(depth[:60], 0)
    assert (np.maximum(ratio, 1 / ratio) < 1.25).mean() < 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1, "index": 0}, "must not be negative"),
        ({"seed": 0, "index": 0, "size": (0, 8)}, "size must be"),
        ({"seed": 0, "index": 0, "size": (8, 8), "crop": (4, 0, 5, 8)}, "not inside"),
        ({"seed": 0, "index": 0, "size": (8, 8), "crop": (0, 0, 0, 8)}, "not inside"),
    ],
)
def test_bad_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render_room(**arguments)
