"""Ray casting: a pinhole camera in a closed room of boxes.

World frame: metres, x and y along two walls, z up; the room spans (0, 0, 0) to its extent. Camera
frame: x right, y down, z forward. A ray's direction has unit length along the optical axis, so the
ray parameter is the z-depth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

Crop = tuple[float, float, float, float]


@dataclass(frozen=True)
class Camera:
    """Pose and field of view of a pinhole camera.

    Attributes:
        position: (3,) world metres.
        yaw: radians, 0 looks along x, a quarter turn along y.
        pitch: radians, positive looks up.
        roll: radians about the optical axis.
        field_of_view: radians, horizontal, over the whole width of the view.
    """

    position: tuple[float, float, float]
    yaw: float
    pitch: float = 0.0
    roll: float = 0.0
    field_of_view: float = math.radians(60)

    def axes(self) -> np.ndarray:
        """(3, 3) float64: rows are the camera's right, down and forward in the world frame."""
        cy, sy, cp, sp = *_turn(self.yaw), *_turn(self.pitch)
        cr, sr = _turn(self.roll)
        right, down = np.array([sy, -cy, 0.0]), np.array([cy * sp, sy * sp, -cp])
        forward = np.array([cy * cp, sy * cp, sp])
        return np.stack([cr * right + sr * down, cr * down - sr * right, forward])

    def focal(self, width: int) -> float:
        """Focal length in pixels of a view ``width`` pixels wide, centred on the axis."""
        return width / 2 / math.tan(self.field_of_view / 2)

    def rays(self, size: tuple[int, int], crop: Crop) -> np.ndarray:
        """(3, h, w) float32 world directions through the pixel centres of a crop of the view."""
        (height, width), (top, left, crop_height, crop_width) = size, crop
        rows, columns = output_size(crop)
        focal = self.focal(width)
        down = (top + (np.arange(rows) + 0.5) * (crop_height / rows) - height / 2) / focal
        right = (left + (np.arange(columns) + 0.5) * (crop_width / columns) - width / 2) / focal
        axes = self.axes()
        direction = axes[0][:, None, None] * right + axes[1][:, None, None] * down[:, None]
        return (direction + axes[2][:, None, None]).astype(np.float32)


class Boxes(NamedTuple):
    """K boxes, each turned about the vertical through its centre.

    Attributes:
        centre: (K, 3) world metres.
        half: (K, 3) half extents along the box's own axes, metres.
        yaw: (K,) radians.
    """

    centre: np.ndarray
    half: np.ndarray
    yaw: np.ndarray


class Hits(NamedTuple):
    """Surfaces that N rays hit first.

    Attributes:
        depth: (N,) float32 z-depth in metres, > 0.
        box: (N,) int32, 0 for the room's own shell, k + 1 for box k.
        point: (3, N) float32, world metres.
        normal: (3, N) float32, world frame, unit length, towards the camera.
        axis: (N,) int8, which of the box's axes the face is perpendicular to.
        face_point: (2, N) float32 metres from the face's lower left corner.
        face_size: (2, N) float32 metres.
    """

    depth: np.ndarray
    box: np.ndarray
    point: np.ndarray
    normal: np.ndarray
    axis: np.ndarray
    face_point: np.ndarray
    face_size: np.ndarray


def _turn(angle: float) -> tuple[float, float]:
    return math.cos(angle), math.sin(angle)


def output_size(crop: Crop) -> tuple[int, int]:
    """(height, width) of the image of a crop: whole pixels, at least one."""
    return max(round(crop[2]), 1), max(round(crop[3]), 1)


def outlines(boxes: Boxes, camera: Camera, size: tuple[int, int], crop: Crop) -> np.ndarray:
    """(K, 4) int: rows r0:r1 and columns c0:c1 of the crop that hold each box; none if unseen.

    The bounds are one pixel generous: an extra pixel costs time but changes nothing.
    """
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corner = signs * boxes.half[:, None]  # (K, 8, 3)
    cos, sin = np.cos(boxes.yaw)[:, None], np.sin(boxes.yaw)[:, None]
    x = cos * corner[..., 0] - sin * corner[..., 1]
    y = sin * corner[..., 0] + cos * corner[..., 1]
    world = np.stack([x, y, corner[..., 2]], -1) + boxes.centre[:, None]
    seen = (world - np.asarray(camera.position)) @ camera.axes().T
    z = seen[..., 2]
    scale = camera.focal(size[1]) / np.maximum(z, 1e-3)
    rows, columns = output_size(crop)
    bounds = []
    for axis, view, start, extent, count in (
        (1, size[0], crop[0], crop[2], rows),
        (0, size[1], crop[1], crop[3], columns),
    ):
        pixel = (seen[..., axis] * scale + view / 2 - start) * (count / extent)
        low, high = np.floor(pixel.min(1)) - 1, np.ceil(pixel.max(1)) + 1
        # A box that reaches behind the camera has no outline: assume that it is everywhere.
        near = z.min(1) < 1e-2
        low, high = np.where(near, 0, low), np.where(near, count, high)
        high = np.where(z.max(1) < 1e-2, low, high)
        bounds += [np.clip(low, 0, count), np.clip(high, 0, count)]
    return np.stack(bounds, 1).astype(int)


def cast(
    camera: Camera,
    boxes: Boxes,
    *,
    extent: tuple[float, float, float],
    size: tuple[int, int],
    crop: Crop | None = None,
) -> Hits:
    """Follow the ray of every pixel to the first surface (slab test, Kay and Kajiya 1986).

    Args:
        camera: A camera inside the room and outside every box.
        boxes: The boxes in the room.
        extent: The room's size along x, y and z, metres.
        size: (height, width) of the whole view, pixels.
        crop: (top, left, height, width) in pixels of the view; None for the whole.

    Returns:
        The hits in row-major order of the crop's pixels.
    """
    crop = crop or (0, 0, *size)
    rays = camera.rays(size, crop)
    shell = np.asarray(extent, np.float64)[None] / 2
    centre = np.concatenate([shell, np.asarray(boxes.centre).reshape(-1, 3)])
    half = np.concatenate([shell, np.asarray(boxes.half).reshape(-1, 3)]).astype(np.float32)
    yaw = np.concatenate([[0.0], boxes.yaw])
    cos, sin = np.cos(yaw).astype(np.float32), np.sin(yaw).astype(np.float32)
    x, y, z = (np.asarray(camera.position) - centre).T
    origin = np.stack([np.cos(yaw) * x + np.sin(yaw) * y, np.cos(yaw) * y - np.sin(yaw) * x, z], 1)
    origin = origin.astype(np.float32)  # the camera in each box's frame

    inverse = 1 / _local(rays, cos[0], sin[0])
    depth = (np.abs(inverse) * half[0, :, None, None] - inverse * origin[0, :, None, None]).min(0)
    box = np.zeros(depth.shape, np.int32)
    outline = outlines(Boxes(centre[1:], half[1:], yaw[1:]), camera, size, crop)
    for k, (r0, r1, c0, c1) in enumerate(outline.tolist(), start=1):
        if r0 >= r1 or c0 >= c1:
            continue
        ray = _local(rays[:, r0:r1, c0:c1], cos[k], sin[k])
        np.divide(1, ray, out=ray)
        middle = ray * origin[k, :, None, None]
        reach = np.abs(ray, out=ray)
        reach *= half[k, :, None, None]
        far = np.minimum.reduce(reach - middle)
        near = np.maximum.reduce(np.negative(np.add(reach, middle, out=reach), out=reach))
        closest = depth[r0:r1, c0:c1]
        hit = (near < far) & (near < closest) & (near > 0)
        np.copyto(closest, near, where=hit)
        np.copyto(box[r0:r1, c0:c1], np.int32(k), where=hit)
    return _resolve(camera, rays, depth, box, cos=cos, sin=sin, origin=origin, half=half)


def _local(ray: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """World directions (3, ...) in the frame of a turned box; no component is zero."""
    out = np.empty_like(ray)
    out[0] = cos * ray[0] + sin * ray[1]
    out[1] = cos * ray[1] - sin * ray[0]
    out[2] = ray[2]
    np.copyto(out, np.float32(1e-9), where=out == 0)  # no infinities for a ray along a face
    return out


def _resolve(
    camera: Camera,
    rays: np.ndarray,
    depth: np.ndarray,
    box: np.ndarray,
    *,
    cos: np.ndarray,
    sin: np.ndarray,
    origin: np.ndarray,
    half: np.ndarray,
) -> Hits:
    """Compute face, normal and position on the face for the nearest box of every pixel."""
    depth, box, rays = depth.reshape(-1), box.reshape(-1), rays.reshape(3, -1)
    cos, sin = cos[box], sin[box]  # per pixel
    origin = np.take(np.ascontiguousarray(origin.T), box, axis=1)
    half = np.take(np.ascontiguousarray(half.T), box, axis=1)
    ray = _local(rays, cos, sin)
    inverse = 1 / ray
    # A ray enters a box through the last of its three near planes and leaves the shell through
    # the first of its far planes: with the sign of the first term flipped, one formula finds both.
    middle = np.where(box == 0, np.float32(1), np.float32(-1)) * (inverse * origin)
    score = middle - np.abs(inverse) * half
    on_x = (score[0] >= score[1]) & (score[0] >= score[2])
    on_y = ~on_x & (score[1] >= score[2])
    on_z = ~(on_x | on_y)
    facing = -np.sign(ray)
    normal_x, normal_y = facing[0] * on_x, facing[1] * on_y
    normal = np.stack(
        [cos * normal_x - sin * normal_y, sin * normal_x + cos * normal_y, facing[2] * on_z]
    )
    place = origin + depth * ray + half  # metres from the box's lowest corner
    world = np.asarray(camera.position, np.float32)[:, None] + depth * rays
    return Hits(
        depth=depth,
        box=box,
        point=world,
        normal=normal,
        axis=(on_y + 2 * on_z).astype(np.int8),
        face_point=np.stack(
            [np.where(on_x, place[1], place[0]), np.where(on_z, place[1], place[2])]
        ),
        face_size=2
        * np.stack([np.where(on_x, half[1], half[0]), np.where(on_z, half[1], half[2])]),
    )
