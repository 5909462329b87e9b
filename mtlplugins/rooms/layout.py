"""Layout of a rendered room: positions of the furniture and of the camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .casting import Camera
from .pieces import Dice, Piece

Bounds = tuple[float, float, float, float, float, float]  # lowest x, y, z, highest x, y, z


@dataclass(frozen=True)
class Placed:
    """A piece in the room: the back centre of its foot is at (x, y), turned by ``yaw``."""

    piece: Piece
    x: float
    y: float
    yaw: float
    bounds: Bounds


def _bounds(piece: Piece, x: float, y: float, yaw: float) -> Bounds:
    cos, sin, half = math.cos(yaw), math.sin(yaw), piece.width / 2
    xs = [x + cos * a - sin * b for a in (-half, half) for b in (0, piece.depth)]
    ys = [y + sin * a + cos * b for a in (-half, half) for b in (0, piece.depth)]
    return min(xs), min(ys), piece.lift, max(xs), max(ys), piece.lift + piece.top()


class Layout:
    """Placement of pieces in a room, one after the other, without overlap."""

    gap = 0.06  # metres between pieces

    def __init__(self, dice: Dice, extent: tuple[float, float, float]) -> None:
        self.dice, self.extent = dice, extent
        self.placed: list[Placed] = []
        self.worth: list[float] = []

    def place(self, piece: Piece, *, worth: float = 0.4, attempts: int = 16) -> None:
        """Try some places, and leave the piece out if none is free.

        ``worth`` is the weight of the piece in the choice of the camera's view.
        """
        for _ in range(attempts):
            x, y, yaw = self._open_spot(piece) if piece.free else self._wall_spot(piece)
            bounds = _bounds(piece, x, y, yaw)
            if self._fits(bounds):
                self.add(Placed(piece, x, y, yaw, bounds), worth=worth)
                return

    def lay(self, flat: Piece) -> None:
        """Put something flat anywhere on the floor; it may lie under other pieces."""
        x, y, yaw = self._open_spot(flat)
        self.add(Placed(flat, x, y, yaw, _bounds(flat, x, y, yaw)), worth=0.0)

    def add(self, placed: Placed, *, worth: float) -> None:
        """Add a piece whose place is known."""
        self.placed.append(placed)
        self.worth.append(worth)

    def _wall_spot(self, piece: Piece) -> tuple[float, float, float]:
        wall, (long, wide, _) = self.dice.count(0, 3), self.extent
        side, half = (long, wide)[wall % 2], piece.width / 2 + 0.03
        along = self.dice.between(half, max(side - half, half))
        off = 0.0 if piece.lift or piece.depth < 0.2 else 0.02
        spot = ((along, off), (long - off, along), (along, wide - off), (off, along))[wall]
        return *spot, wall * math.pi / 2

    def _open_spot(self, piece: Piece) -> tuple[float, float, float]:
        yaw = self.dice.count(0, 3) * math.pi / 2 + self.dice.between(-0.2, 0.2)
        low_x, low_y, _, high_x, high_y, _ = _bounds(piece, 0, 0, yaw)
        x = self.dice.between(-low_x, max(self.extent[0] - high_x, -low_x))
        y = self.dice.between(-low_y, max(self.extent[1] - high_y, -low_y))
        return x, y, yaw

    def _fits(self, bounds: Bounds) -> bool:
        (x0, y0, z0, x1, y1, z1), slack = bounds, 1e-6
        if min(x0, y0, z0) < -slack or any(
            high > most + slack for high, most in zip((x1, y1, z1), self.extent, strict=True)
        ):
            return False
        x0, y0, z0 = x0 - self.gap, y0 - self.gap, z0 - self.gap
        x1, y1, z1 = x1 + self.gap, y1 + self.gap, z1 + self.gap
        for other in self.placed:
            a0, b0, c0, a1, b1, c1 = other.bounds
            if x0 < a1 and a0 < x1 and y0 < b1 and b0 < y1 and z0 < c1 and c0 < z1:
                return False
        return True


def choose_camera(dice: Dice, layout: Layout) -> Camera:
    """Return the first of some random views that shows enough, or else the best of them."""
    extent, bounds = np.array(layout.extent), np.array([p.bounds for p in layout.placed])
    field, tries = math.radians(dice.between(56, 68)), 48
    place = dice.many(tries, 3) * [*(0.9 * extent[:2]), 0.9] + [*(0.05 * extent[:2]), 0.95]
    yaw = dice.many(tries) * 2 * math.pi
    cos, sin = np.cos(yaw), np.sin(yaw)
    away = np.maximum(
        bounds[:, :3] - place[:, None], place[:, None] - bounds[:, 3:]
    )  # (tries, P, 3)
    clear = np.sqrt((np.maximum(away, 0) ** 2).sum(-1).min(1))
    wall = np.minimum(place[:, :2], extent[:2] - place[:, :2]).min(1)
    to = (bounds[:, :3] + bounds[:, 3:]) / 2 - place[:, None]
    ahead = to[..., 0] * cos[:, None] + to[..., 1] * sin[:, None]
    aside = np.abs(to[..., 1] * cos[:, None] - to[..., 0] * sin[:, None])
    shown = (ahead > 1) & (aside < ahead * math.tan(field / 2))
    size = (bounds[:, 3:] - bounds[:, :3]).max(1)
    score = (layout.worth * shown * np.minimum(2 * size / np.maximum(ahead, 1), 1)).sum(1)
    score -= 90 * np.maximum(0.7 - clear, 0) + 60 * np.maximum(0.4 - wall, 0)
    # A random target for the viewing distance spreads the depths wider than the rooms alone do.
    free = _free(place, yaw[:, None] + np.array([-0.35, 0, 0.35]), extent, bounds)
    wished = dice.between(1.3, 2.1) if dice.chance(0.4) else dice.between(4, 11)
    score -= 4 * np.abs(np.log(free[:, 1] / wished)) + 10 * np.maximum(1.3 - free.min(1), 0)
    enough = np.flatnonzero(score >= dice.between(3, 6))
    best = enough[0] if enough.size else score.argmax()
    pitch, roll = dice.between(-0.42, 0.08), dice.between(-0.06, 0.06)
    return Camera(tuple(place[best].tolist()), float(yaw[best]), pitch, roll, field)


def _free(place: np.ndarray, yaw: np.ndarray, extent: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """(tries, rays) metres from each place to the wall or the tall piece that ends a level ray."""
    ray = np.stack([np.cos(yaw), np.sin(yaw)], -1)  # (tries, rays, 2)
    ray = np.where(np.abs(ray) < 1e-6, 1e-6, ray)
    start = place[:, None, :2]
    wall = ((np.where(ray > 0, extent[:2], 0) - start) / ray).min(-1)
    ray, start = ray[:, :, None], start[:, :, None]
    one, two = (bounds[:, :2] - start) / ray, (bounds[:, 3:5] - start) / ray  # (tries, rays, P, 2)
    near, far = np.minimum(one, two).max(-1), np.maximum(one, two).min(-1)
    level = place[:, None, None, 2]
    met = (near < far) & (far > 0) & (bounds[:, 2] < level) & (bounds[:, 5] > level)
    return np.minimum(wall, np.where(met, np.maximum(near, 0.01), np.inf).min(-1))
