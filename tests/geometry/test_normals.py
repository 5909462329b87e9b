from __future__ import annotations

import numpy as np
import pytest

import mtlplugins  # noqa: F401
from mtlplugins.geometry import Intrinsics, normals_from_depth
from mtlplugins.rooms.renderer import render_room
from mtlplugins.rooms.scenes import sample_scene

SIZE = (120, 160)
CAMERA = Intrinsics(fx=140.0, fy=130.0, cx=83.0, cy=55.0)


def rays(size: tuple[int, int] = SIZE, camera: Intrinsics = CAMERA) -> np.ndarray:
    """Directions (u, v, 1) through the middles of the pixels."""
    v, u = np.mgrid[0 : size[0], 0 : size[1]] + 0.5
    u, v = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    return np.stack([u, v, np.ones(size)], -1)


def unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector) / np.linalg.norm(vector, axis=-1, keepdims=True)


def plane_depth(normal: np.ndarray, distance: float, **camera) -> np.ndarray:
    """Depth of the plane normal · P = -distance."""
    return -distance / (rays(**camera) @ normal)


def angles(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Degrees between unit vectors where there is one."""
    defined = found.any(axis=-1)
    truth = np.broadcast_to(truth, found.shape)[defined].astype(float)
    cross = np.linalg.norm(np.cross(found[defined], truth), axis=-1)
    return np.degrees(np.arctan2(cross, (found[defined] * truth).sum(-1)))


@pytest.mark.parametrize(
    "normal", [(0, 0, -1), (0.5, 0, -1), (-0.3, 0.4, -1), (0, -1, -0.6), (-0.8, -0.3, -0.9)]
)
def test_planes_are_exact_up_to_the_border(normal: tuple) -> None:
    truth = unit(normal)
    depth = plane_depth(truth, 1.5)
    assert depth.min() > 0
    found = normals_from_depth(depth.astype(np.float32), CAMERA, noise=1e-4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-6)
    assert angles(found, truth).max() < 0.02


def test_the_camera_counts() -> None:
    truth = unit([0.5, -0.2, -1])
    depth = plane_depth(truth, 2.0)
    shifted = CAMERA._replace(cx=CAMERA.cx + 20)
    assert np.median(angles(normals_from_depth(depth, shifted, noise=1e-4), truth)) > 1
    half = CAMERA.scaled(0.5, 0.5)
    found = normals_from_depth(
        plane_depth(truth, 2.0, size=(60, 80), camera=half), half, noise=1e-4
    )
    assert angles(found, truth).max() < 0.02


@pytest.mark.parametrize(("levels", "median"), [(1, 0.3), (4, 3.0)])
def test_a_sphere(levels: int, median: float) -> None:
    """P = Z ray on |P - C| = 1, the nearer solution; its normal is P - C.

    Larger windows buy less noise, of which there is none here, for some bias.
    """
    centre = np.array([0.1, -0.1, 3.0])
    camera = CAMERA.scaled(2, 2)
    direction = rays((240, 320), camera)
    a, b = (direction**2).sum(-1), direction @ centre
    inside = b**2 - a * (centre @ centre - 1)
    depth = np.where(inside > 0, (b - np.sqrt(np.maximum(inside, 0))) / a, 0)
    truth = unit(depth[..., None] * direction - centre)
    found = normals_from_depth(depth, camera, noise=1e-3, levels=levels)
    assert not found[depth == 0].any()
    error = angles(found, truth)
    assert len(error) > 0.95 * (depth > 0).sum()
    assert np.median(error) < median
    assert np.quantile(error, 0.95) < 8  # the worst is the rim


def test_an_edge_and_a_crease_stay_sharp() -> None:
    """A wall, a nearer wall in front of its right half, and a floor below both."""
    wall, floor = unit([0.2, 0, -1]), unit([0, -1, 0])
    depth = plane_depth(wall, 3.0)
    depth[:, 80:] = plane_depth(wall, 1.5)[:, 80:]
    below = plane_depth(floor, 0.7)
    is_floor = (below > 0) & (below < depth)
    truth = np.where(is_floor[..., None], floor, wall)
    found = normals_from_depth(np.where(is_floor, below, depth), CAMERA, noise=1e-3)
    error = angles(found, truth)
    assert len(error) > 0.98 * depth.size
    assert 0.1 < is_floor.mean() < 0.9
    assert (error < 1).mean() > 0.96
    assert np.median(error) < 0.02


def test_missing_depth_and_things_too_thin_have_none() -> None:
    depth = np.full(SIZE, 2.0)
    depth[40:60, 30:50] = 0
    depth[70:90, 30:50] = np.nan
    depth[20:100, 120] = 1.0  # a wire
    found = normals_from_depth(depth, CAMERA, noise=1e-3)
    expected = np.broadcast_to([0, 0, -1], found.shape).copy()
    expected[40:60, 30:50] = expected[70:90, 30:50] = expected[20:100, 120] = 0
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_no_depth_no_normals() -> None:
    assert not normals_from_depth(np.zeros((7, 9)), CAMERA, noise=1e-3).any()


def test_coarse_steps_are_averaged_out() -> None:
    truth = unit([0.35, 0.1, -1])
    depth = np.round(plane_depth(truth, 2.5) / 0.039) * 0.039
    coarse = angles(normals_from_depth(depth, CAMERA, noise=1e-3, step=0.039), truth)
    unaware = angles(normals_from_depth(depth, CAMERA, noise=1e-4), truth)
    assert len(coarse) > 0.99 * depth.size > 2 * len(unaware)  # steps look like edges
    assert np.median(coarse) < 1.5
    assert np.quantile(coarse, 0.95) < 6


@pytest.mark.parametrize(("step", "median", "within"), [(0.0, 0.05, 0.98), (0.039, 2.5, 0.85)])
def test_true_normals_of_rooms_from_their_depth(step: float, median: float, within: float) -> None:
    size, errors = (144, 192), []
    for index in range(3):
        room = render_room(0, index, size=size)
        focal = sample_scene(0, index).camera.focal(size[1])
        camera = Intrinsics(focal, focal, size[1] / 2, size[0] / 2)
        depth = np.round(room.depth / step) * step if step else room.depth
        found = normals_from_depth(depth, camera, noise=1e-4, step=step)
        error = angles(found, room.normals)
        assert len(error) > 0.9 * depth.size
        errors.append(error)
    error = np.concatenate(errors)
    assert np.median(error) < median
    assert (error < 11.25).mean() > within


@pytest.mark.parametrize(
    ("depth", "noise", "message"),
    [(np.ones((2, 3, 1)), 1e-3, r"\(H, W\), got \(2, 3, 1\)"), (np.ones((2, 3)), 0.0, "noise=0")],
)
def test_bad_arguments(depth: np.ndarray, noise: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        normals_from_depth(depth, CAMERA, noise=noise)
