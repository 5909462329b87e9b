"""Indoor scenes rendered by ray casting: a learnable multi-task data set without files.

Every room is a closed box with furniture made of boxes, seen through a pinhole camera, with exact
labels, depth, normals, scene type and super-class. The classes are the 14 of NYUv2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .casting import Boxes, Crop, Hits, cast, outlines, output_size
from .pieces import CLASSES
from .scenes import SCENES, SUPERCLASS_OF_SCENE, SUPERCLASSES, Scene, sample_scene
from .textures import EMISSIVE, TEXTURES, Surface

__all__ = [
    "CLASSES",
    "PALETTE",
    "SCENES",
    "SUPERCLASSES",
    "SUPERCLASS_OF_SCENE",
    "Room",
    "render_room",
]

PALETTE = [
    [40, 40, 40],  # background
    [220, 60, 60],  # bed
    [150, 80, 30],  # books
    [200, 225, 255],  # ceiling
    [255, 150, 30],  # chair
    [120, 180, 90],  # floor
    [130, 60, 180],  # furniture
    [255, 225, 50],  # objects
    [250, 120, 190],  # picture
    [30, 90, 200],  # sofa
    [0, 160, 150],  # table
    [0, 220, 70],  # tv
    [170, 160, 145],  # wall
    [80, 200, 255],  # window
]
_SHELL_LABELS = ("wall", "wall", "wall", "wall", "floor", "ceiling")
_KINDS = tuple(TEXTURES)


@dataclass(frozen=True)
class Room:
    """One rendered view.

    Attributes:
        image: (H, W, 3) uint8, RGB.
        semantic: (H, W) uint8, index in CLASSES.
        depth: (H, W) float32, metres along the optical axis, > 0 everywhere.
        normals: (H, W, 3) float32, unit length, towards the camera, in the camera frame (x right,
            y down, z forward).
        scene: index in SCENES.
        superclass: index in SUPERCLASSES.
    """

    image: np.ndarray
    semantic: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    scene: int
    superclass: int


@dataclass(frozen=True)
class _Model:
    """A scene as arrays: K boxes and M = 6 + K materials, the shell's faces first."""

    boxes: Boxes
    label: np.ndarray  # (M,) uint8
    kind: np.ndarray  # (M,) uint8 index in _KINDS
    colours: np.ndarray  # (2, 3, M) float32, linear light
    scale: np.ndarray  # (M,) float32
    phase: np.ndarray  # (M,) float32


def render_room(
    seed: int, index: int, *, size: tuple[int, int] = (96, 128), crop: Crop | None = None
) -> Room:
    """Render room ``index`` of ``seed``: deterministic in every process, at every size and crop.

    Args:
        seed: Seed of a set of rooms, >= 0.
        index: Index of a room in the set, >= 0.
        size: (height, width) in pixels of the whole view; its horizontal field of view is the
            room's own.
        crop: (top, left, height, width) in pixels of the whole view: render this part only, with
            height and width rounded to whole pixels. An integer crop equals that part of the whole
            view, bit for bit.

    Raises:
        ValueError: A negative seed or index, an empty size, or a crop that is not inside the view.
    """
    if seed < 0 or index < 0:
        raise ValueError(f"seed and index must not be negative, got {seed} and {index}")
    if min(size) < 1:
        raise ValueError(f"size must be at least (1, 1) pixels, got {size}")
    crop = crop or (0, 0, *size)
    if (
        min(crop) < 0
        or min(crop[2:]) <= 0
        or crop[0] + crop[2] > size[0]
        or crop[1] + crop[3] > size[1]
    ):
        raise ValueError(f"crop (top, left, height, width) {crop} is not inside a view of {size}")
    scene = sample_scene(seed, index)
    model = _model(scene)
    hits = cast(scene.camera, model.boxes, extent=scene.extent, size=size, crop=crop)
    shape = output_size(crop)
    side = 2 * hits.axis + (hits.normal[0] + hits.normal[1] + hits.normal[2] < 0)  # of the shell
    material = np.where(hits.box == 0, side, hits.box + 5)
    albedo = _albedo(model, hits, material)
    glowing = np.isin(model.kind, [_KINDS.index(name) for name in EMISSIVE])[material]
    light = np.where(glowing, np.float32(0.95), _light(scene, hits, size, crop))
    linear = albedo * light
    # Squares and roots instead of gamma: they round correctly everywhere (see textures).
    image = np.sqrt(np.clip(linear * (1 + 0.2 * linear) / (1 + 0.45 * linear), 0, 1))
    axes = scene.camera.axes().astype(np.float32)
    normals = [
        axis[0] * hits.normal[0] + axis[1] * hits.normal[1] + axis[2] * hits.normal[2]
        for axis in axes
    ]
    return Room(
        image=(image * 255 + 0.5).astype(np.uint8).T.reshape(*shape, 3),
        semantic=model.label[material].reshape(shape),
        depth=hits.depth.reshape(shape),
        normals=np.stack(normals, -1).reshape(*shape, 3),
        scene=scene.index,
        superclass=SUPERCLASS_OF_SCENE[scene.index],
    )


def _model(scene: Scene) -> _Model:
    rows = [(placed, box) for placed in scene.placed for box in placed.piece.boxes]
    turn = np.array([placed.yaw for placed, _ in rows])
    local = np.array([box.centre for _, box in rows])
    foot = np.array([(placed.x, placed.y, placed.piece.lift) for placed, _ in rows])
    cos, sin = np.cos(turn), np.sin(turn)
    centre = foot + np.stack(
        [cos * local[:, 0] - sin * local[:, 1], sin * local[:, 0] + cos * local[:, 1], local[:, 2]],
        1,
    )
    half = np.array([box.half for _, box in rows])
    materials = [*scene.shell, *(box.material for _, box in rows)]
    labels = [*_SHELL_LABELS, *(box.label for _, box in rows)]
    colours = np.array([[m.first for m in materials], [m.second for m in materials]], np.float32)
    return _Model(
        boxes=Boxes(centre, half, turn + np.array([box.yaw for _, box in rows])),
        label=np.array([CLASSES.index(label) for label in labels], np.uint8),
        kind=np.array([_KINDS.index(material.texture) for material in materials], np.uint8),
        colours=np.ascontiguousarray((colours * colours).transpose(0, 2, 1)),
        scale=np.array([material.scale for material in materials], np.float32),
        phase=(np.arange(len(materials), dtype=np.float32) * np.float32(7.3)) % 64,
    )


def _albedo(model: _Model, hits: Hits, material: np.ndarray) -> np.ndarray:
    """(3, N) linear colour of the surfaces."""
    kind = model.kind[material]
    out = np.empty((3, kind.size), np.float32)
    for number in np.flatnonzero(np.bincount(kind, minlength=len(_KINDS))):
        at = np.flatnonzero(kind == number)
        which = material[at]
        first, second = np.take(model.colours, which, axis=2)
        place, size = np.take(hits.face_point, at, axis=1), np.take(hits.face_size, at, axis=1)
        scale, phase = model.scale[which], model.phase[which]
        surface = Surface(*place, *size, scale, phase, first, second)
        out[:, at] = TEXTURES[_KINDS[number]](surface)
    shell = hits.box == 0
    skirting = shell & (hits.axis < 2) & (hits.point[2] < 0.08)
    return np.where(skirting, np.float32(0.45) * out, out)


def _light(scene: Scene, hits: Hits, size: tuple[int, int], crop: Crop) -> np.ndarray:
    """(3, N) light on the surfaces: ambient (darker at corners and contacts), lamp, windows."""
    normal, point = hits.normal, hits.point
    light = np.float32(0.2 + 0.1 * scene.daylight) * (0.85 + 0.15 * normal[2])
    light = light * _corners(scene, hits) * _contacts(scene, hits, size, crop)
    light = np.stack([light, light, light])
    sources = [placed for placed in scene.placed if placed.piece.light is not None]
    for placed in sources:
        low, high = np.array(placed.bounds[:3]), np.array(placed.bounds[3:])
        if placed.piece.light == "lamp":
            out, strength, colour = (0, 0, -1.0), 1.5 * scene.lamp, (1.0, 0.9, 0.72)
        else:
            out = (-np.sin(placed.yaw), np.cos(placed.yaw), 0)
            strength, colour = 2 * scene.daylight, (0.85, 0.95, 1.0)
        # The light hangs a little in front, so that it is not inside the surface that it lights.
        middle = (low + high) / 2 + 0.25 * np.array(out)
        to = middle.astype(np.float32)[:, None] - point
        square = to[0] * to[0] + to[1] * to[1] + to[2] * to[2] + np.float32(0.05)
        lambert = np.maximum(normal[0] * to[0] + normal[1] * to[1] + normal[2] * to[2], 0)
        lambert /= np.sqrt(square) * (1 + square * np.float32(0.2))
        if placed.piece.light == "window":  # an area light is dimmer seen from the side
            beam = -(out[0] * to[0] + out[1] * to[1]).astype(np.float32)
            lambert *= np.maximum(beam, 0) / np.sqrt(square)
        light += np.array(colour, np.float32)[:, None] * (np.float32(strength) * lambert)
    return light * np.float32(scene.exposure) + _headlight(scene, hits)


def _headlight(scene: Scene, hits: Hits) -> np.ndarray:
    """(N,) light of a lamp on the camera: near surfaces are brighter, whatever the room's light.

    Indoor photographs are often taken with a flash; its falloff is a depth cue that a small network
    learns in minutes, without recognising objects.
    """
    to = np.array(scene.camera.position, np.float32)[:, None] - hits.point
    square = to[0] * to[0] + to[1] * to[1] + to[2] * to[2]
    facing = np.maximum(hits.normal[0] * to[0] + hits.normal[1] * to[1] + hits.normal[2] * to[2], 0)
    return (
        np.float32(5.0) * facing / (np.sqrt(square) * (np.float32(0.2) + np.float32(0.6) * square))
    )


def _corners(scene: Scene, hits: Hits) -> np.ndarray:
    """(N,) factor: darker near the other planes of the room's shell."""
    factor = np.ones(hits.depth.shape, np.float32)
    for axis, extent in enumerate(scene.extent):
        along = hits.point[axis]
        near = np.maximum(1 - np.minimum(along, np.float32(extent) - along) * np.float32(2.2), 0)
        own = (hits.axis == axis) & (hits.box == 0)
        factor *= 1 - np.where(own, np.float32(0), np.float32(0.38) * near * near)
    return factor


def _contacts(scene: Scene, hits: Hits, size: tuple[int, int], crop: Crop) -> np.ndarray:
    """(N,) factor: the shell is darker within 0.35 m of the pieces, and under them."""
    bounds = np.array([each.bounds for each in scene.placed if each.piece.height > 0.05])
    centre, half = (bounds[:, :3] + bounds[:, 3:]) / 2, (bounds[:, 3:] - bounds[:, :3]) / 2
    reach = Boxes(centre, half + 0.36, np.zeros(len(bounds)))
    shape = output_size(crop)
    factor, point = np.ones(shape, np.float32), hits.point.reshape(3, *shape)
    centre, half = (array.astype(np.float32)[..., None, None] for array in (centre, half))
    for k, (r0, r1, c0, c1) in enumerate(outlines(reach, scene.camera, size, crop).tolist()):
        if r0 < r1 and c0 < c1:
            away = np.abs(point[:, r0:r1, c0:c1] - centre[k])
            away = np.maximum(away - half[k], 0)
            away *= away
            near = np.maximum(1 - (away[0] + away[1] + away[2]) * 8, 0)
            factor[r0:r1, c0:c1] *= 1 - np.float32(0.5) * near
    return np.where(hits.box == 0, factor.reshape(-1), np.float32(1))
