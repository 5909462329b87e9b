"""Procedural surfaces of the rendered rooms.

A texture is a function of the position on a face, in metres, never of the pixel: the same spot of a
room looks the same in every crop and at every size. Only correctly rounded operations are used (no
sine, no power): the result of vectorised versions of the others may depend on the array's length in
the last bit, and then a rendered crop would not equal the crop of a render.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Colour = tuple[float, float, float]


class Material(NamedTuple):
    """Material of a box: a texture, two colours (RGB, 0 to 1) and repeats per metre."""

    texture: str
    first: Colour
    second: Colour
    scale: float = 1.0


class Surface(NamedTuple):
    """N points that share a texture; all arrays float32.

    Attributes:
        u: (N,) metres from the left edge of the face.
        v: (N,) metres from its lower edge (side faces) or near edge (top faces).
        width: (N,) the face's extent along u, metres.
        height: (N,) the face's extent along v, metres.
        scale: (N,) repeats per metre.
        phase: (N,) a number per box, 0 to 64, so that equal boxes look different.
        first: (3, N) first colour.
        second: (3, N) second colour.
    """

    u: np.ndarray
    v: np.ndarray
    width: np.ndarray
    height: np.ndarray
    scale: np.ndarray
    phase: np.ndarray
    first: np.ndarray
    second: np.ndarray


# A fixed table of random numbers, shared by all rooms.
_LATTICE = np.random.default_rng(1449).random((64, 64), dtype=np.float32)
_SKY_HAZE = np.array([[0.95], [0.95], [0.92]], np.float32)
_SPINES = np.array(
    [
        [0.55, 0.10, 0.10],
        [0.10, 0.20, 0.50],
        [0.10, 0.38, 0.20],
        [0.85, 0.78, 0.55],
        [0.75, 0.40, 0.10],
        [0.90, 0.90, 0.88],
        [0.25, 0.12, 0.30],
        [0.15, 0.45, 0.55],
    ],
    np.float32,
).T


def _cell(row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """A random number in [0, 1) for each integer-valued lattice cell."""
    return _LATTICE[row.astype(np.int32) & 63, column.astype(np.int32) & 63]


def _noise(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Value noise in [0, 1): the lattice, smoothly interpolated; one cell per unit."""
    row, column = np.floor(v), np.floor(u)
    dv, du = v - row, u - column
    dv, du = dv * dv * (3 - 2 * dv), du * du * (3 - 2 * du)
    i, j = row.astype(np.int32) & 63, column.astype(np.int32) & 63
    below, right = (i + 1) & 63, (j + 1) & 63
    top = _LATTICE[i, j] + (_LATTICE[i, right] - _LATTICE[i, j]) * du
    bottom = _LATTICE[below, j] + (_LATTICE[below, right] - _LATTICE[below, j]) * du
    return top + (bottom - top) * dv


def _wave(x: np.ndarray) -> np.ndarray:
    """Triangle wave of period 1 between 0 and 1."""
    return np.abs(2 * (x - np.floor(x)) - 1)


def _mix(surface: Surface, weight: np.ndarray) -> np.ndarray:
    """(3, N) colours: the first where the weight is 0, the second where it is 1."""
    return surface.first + (surface.second - surface.first) * weight


def _edge(surface: Surface) -> np.ndarray:
    """(N,) metres to the nearest edge of the face."""
    across = np.minimum(surface.u, surface.width - surface.u)
    return np.minimum(across, np.minimum(surface.v, surface.height - surface.v))


def _paint(s: Surface) -> np.ndarray:
    return s.first * (0.9 + 0.2 * _noise(s.u * 2 + s.phase, s.v * 2))


def _wood(s: Surface) -> np.ndarray:
    wide = s.width > s.height  # the grain runs along the longer side
    along, across = np.where(wide, s.u, s.v), np.where(wide, s.v, s.u)
    bend = _noise(along * 1.5 + s.phase, across * 4)
    return _mix(s, _wave(across * s.scale + 2 * bend + s.phase))


def _planks(s: Surface) -> np.ndarray:
    across = s.v * s.scale
    board = np.floor(across)
    along = s.u * s.scale * 0.15 + 7 * _cell(board, s.phase)
    tone = _cell(board, np.floor(along)) * 0.7 + 0.3 * _noise(s.u * 2, s.v * 25)
    seam = (across - board < 0.08) | (along - np.floor(along) < 0.012)
    return _mix(s, tone) * np.where(seam, np.float32(0.55), np.float32(1))


def _tiles(s: Surface) -> np.ndarray:
    u, v = s.u * s.scale, s.v * s.scale
    column, row = np.floor(u), np.floor(v)
    grout = np.minimum(u - column, v - row) < 0.07
    tone = 0.88 + 0.24 * _cell(row, column + s.phase)
    return np.where(grout, s.second, s.first * tone)


def _checks(s: Surface) -> np.ndarray:
    odd = (np.floor(s.u * s.scale) + np.floor(s.v * s.scale)).astype(np.int32) & 1
    return _mix(s, odd.astype(np.float32))


def _bricks(s: Surface) -> np.ndarray:
    v = s.v * s.scale * 2
    row = np.floor(v)
    u = s.u * s.scale + 0.5 * (row.astype(np.int32) & 1)
    column = np.floor(u)
    mortar = (v - row < 0.14) | (u - column < 0.07)
    return np.where(mortar, s.second, s.first * (0.75 + 0.5 * _cell(row, column)))


def _carpet(s: Surface) -> np.ndarray:
    fine, coarse = _noise(s.u * 30, s.v * 30), _noise(s.u * s.scale + s.phase, s.v * s.scale)
    return _mix(s, 0.6 * fine + 0.4 * coarse)


def _fabric(s: Surface) -> np.ndarray:
    weave = _noise(s.u * 22 + s.phase, s.v * 22)
    return _mix(s, 0.5 * weave) * (0.85 + 0.3 * _noise(s.u * 5, s.v * 5 + s.phase))


def _plaid(s: Surface) -> np.ndarray:
    warp, weft = _wave(s.u * s.scale + s.phase) > 0.6, _wave(s.v * s.scale + s.phase) > 0.6
    weight = (0.5 * (warp.astype(np.float32) + weft)).astype(np.float32)
    return _mix(s, weight) * (0.9 + 0.2 * _noise(s.u * 5, s.v * 5))


def _stripes(s: Surface) -> np.ndarray:
    return _mix(s, (_wave(s.u * s.scale + s.phase) > 0.5).astype(np.float32))


def _folds(s: Surface) -> np.ndarray:
    fold = _wave(s.u * s.scale + 0.6 * _noise(s.u * 2 + s.phase, s.v * 0.5))
    return _mix(s, fold) * (0.6 + 0.4 * fold)


def _panels(s: Surface) -> np.ndarray:
    """Fronts of doors and drawers: equal panels in a gap of the second colour, a handle on each."""
    columns = np.maximum(np.floor(s.width * s.scale + 0.5), 1)
    rows = np.maximum(np.floor(s.height * s.scale * 0.7 + 0.5), 1)
    across, up = s.u / s.width * columns, s.v / s.height * rows
    across, up = across - np.floor(across), up - np.floor(up)
    side, end = s.width / columns, s.height / rows
    gap = np.minimum(np.minimum(across, 1 - across) * side, np.minimum(up, 1 - up) * end) < 0.02
    handle = (np.abs(across - 0.5) * side < 0.07) & (np.abs(up - 0.75) * end < 0.02)
    return np.where(gap | handle, s.second, s.first * (0.9 + 0.2 * _noise(s.u * 3 + s.phase, s.v)))


def _books(s: Surface) -> np.ndarray:
    u = s.u * s.scale
    book = np.floor(u)
    colour = _SPINES[:, (_cell(book, s.phase) * _SPINES.shape[1]).astype(np.int32)]
    tall = 0.72 + 0.3 * _cell(s.phase, book + 17)
    band = np.abs(s.v / s.height - 0.6 * tall) < 0.05
    colour = np.where(band, 1 - 0.6 * colour, colour)
    dark = (u - book < 0.12) | (s.v > s.height * tall)
    return np.where(dark, np.float32(0.04), colour)


def _painting(s: Surface) -> np.ndarray:
    base, blob = _noise(s.u * 4 + s.phase, s.v * 4), _noise(s.u * 3, s.v * 3 + s.phase)
    colour = np.where(blob > 0.55, 1 - s.first, s.first) * (0.35 + 0.9 * base)
    horizon = s.v < s.height * (0.25 + 0.3 * blob)
    colour = np.where(horizon, s.first[::-1] * (0.3 + 0.5 * base), colour)
    edge = _edge(s)
    colour = np.where(edge < 0.09, np.float32(0.9), colour)  # mat
    return np.where(edge < 0.045, s.second, colour)


def _window(s: Surface) -> np.ndarray:
    hill = s.height * (0.2 + 0.35 * _noise(s.u * 1.5 + s.phase, s.phase))
    haze = np.maximum(1 - s.v / s.height, 0)
    sky = s.first + (_SKY_HAZE - s.first) * haze * s.first[2]
    leaves = _noise(s.u * 9, s.v * 9 + s.phase)
    green = np.stack([0.12 + 0.1 * leaves, 0.2 + 0.25 * leaves, 0.08 + 0.05 * leaves]) * s.first[2]
    view = np.where(s.v < hill, green, sky)
    across = s.u / s.width * np.maximum(np.floor(s.width * 1.2 + 0.5), 1)
    bar = np.abs(across - np.floor(across + 0.5)) * s.width < 0.05
    return np.where(bar | (_edge(s) < 0.07), s.second, view)


def _screen(s: Surface) -> np.ndarray:
    glare = np.maximum(1 - np.abs(s.u / s.width - s.v / s.height - 0.2) * 5, 0) * 0.12
    image = _noise(s.u * 4 + s.phase, s.v * 4)
    shown = s.first * (0.5 + image) + glare
    return np.where(_edge(s) < 0.025, np.float32(0.015), shown)


def _leaves(s: Surface) -> np.ndarray:
    return _mix(s, _noise(s.u * 14 + s.phase, s.v * 14)) * (
        0.4 + _noise(s.u * 9, s.v * 9 + s.phase)
    )


TEXTURES: dict[str, Callable[[Surface], np.ndarray]] = {
    "paint": _paint,
    "wood": _wood,
    "planks": _planks,
    "tiles": _tiles,
    "checks": _checks,
    "bricks": _bricks,
    "carpet": _carpet,
    "fabric": _fabric,
    "plaid": _plaid,
    "stripes": _stripes,
    "folds": _folds,
    "panels": _panels,
    "books": _books,
    "painting": _painting,
    "leaves": _leaves,
    "window": _window,
    "screen": _screen,
    "glow": _paint,
}
EMISSIVE = frozenset(
    {"window", "screen", "glow"}
)  # shown as bright as they are, whatever the light
