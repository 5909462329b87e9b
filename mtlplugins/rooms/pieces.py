"""Building blocks of the rendered rooms: boxes with a class and a material, in pieces.

A piece has its own frame, in metres: x along its width around 0, y from its back (0) to its front,
z up from its foot.
"""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np

from .textures import Colour, Material

CLASSES = (
    *("background", "bed", "books", "ceiling", "chair", "floor", "furniture"),
    *("objects", "picture", "sofa", "table", "tv", "wall", "window"),
)
Span = tuple[float, float]
T = TypeVar("T")


class Dice:
    """Random draws from a room's own generator."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._draw = generator.random

    def between(self, low: float, high: float) -> float:
        """A number from low to high."""
        return low + (high - low) * self._draw()

    def many(self, *shape: int) -> np.ndarray:
        """Numbers in [0, 1)."""
        return self._draw(shape)

    def count(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + int(self._draw() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._draw() < probability

    def pick(self, options: tuple[T, ...]) -> T:
        """One of the options, all equally likely."""
        return options[int(self._draw() * len(options))]

    def colour(self, hue: Span, saturation: Span, value: Span) -> Colour:
        """An RGB colour, its hue (wraps), saturation and value uniform in the spans (0 to 1)."""
        return colorsys.hsv_to_rgb(
            self.between(*hue) % 1, self.between(*saturation), self.between(*value)
        )


def darker(colour: Colour, factor: float) -> Colour:
    """Return the colour times a factor; above 1 it gets brighter."""
    red, green, blue = (min(channel * factor, 1.0) for channel in colour)
    return red, green, blue


class Box(NamedTuple):
    """A box of one class and material: centre and half extents in metres, yaw in radians."""

    label: str
    material: Material
    centre: tuple[float, float, float]
    half: tuple[float, float, float]
    yaw: float = 0.0


@dataclass
class Piece:
    """A group of boxes that is placed as one.

    Attributes:
        width, depth: the floor it takes, metres.
        height: its own height, metres, without what stands on it.
        lift: height of its foot above the floor, metres.
        free: stands anywhere in the room; otherwise its back goes to a wall.
        light: None, "lamp" or "window": what kind of light it gives.
    """

    width: float
    depth: float
    height: float
    lift: float = 0.0
    free: bool = False
    light: str | None = None
    boxes: list[Box] = field(default_factory=list)

    def add(self, label: str, material: Material, x: Span, y: Span, z: Span) -> None:
        """Add a box that fills the spans along x, y and z."""
        centre = ((x[0] + x[1]) / 2, (y[0] + y[1]) / 2, (z[0] + z[1]) / 2)
        half = ((x[1] - x[0]) / 2, (y[1] - y[0]) / 2, (z[1] - z[0]) / 2)
        self.boxes.append(Box(label, material, centre, half))

    def top(self) -> float:
        """Height of its highest point above its foot, including objects on it."""
        return max(box.centre[2] + box.half[2] for box in self.boxes)

    def merge(self, other: Piece, *, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> None:
        """Add another piece, turned about its own origin and then moved."""
        cos, sin = math.cos(yaw), math.sin(yaw)
        for box in other.boxes:
            bx, by, bz = box.centre
            centre = (x + cos * bx - sin * by, y + sin * bx + cos * by, z + bz)
            self.boxes.append(box._replace(centre=centre, yaw=box.yaw + yaw))


class Style:
    """The materials that the pieces of one room share."""

    def __init__(self, dice: Dice) -> None:
        tone = dice.colour((0.05, 0.11), (0.3, 0.7), (0.25, 0.85))
        self.wood = Material("wood", tone, darker(tone, 0.62), 9)
        other = dice.colour((0.04, 0.12), (0.3, 0.65), (0.3, 0.8))
        self.table_wood = Material("wood", other, darker(other, 0.7), 6)
        front = dice.pick((tone, tone, dice.colour((0, 1), (0, 0.25), (0.55, 0.95))))
        self.front = Material("panels", front, darker(front, 0.35), 1.8)
        seat = dice.colour((0, 1), (0.15, 0.7), (0.2, 0.7))
        self.seat = Material("fabric", seat, darker(seat, 0.5))
        sofa = dice.colour((0, 1), (0.1, 0.75), (0.25, 0.75))
        self.sofa = Material("fabric", sofa, darker(sofa, 0.6))
        cover = dice.colour((0, 1), (0.1, 0.6), (0.55, 0.95))
        weave = dice.pick(("plaid", "plaid", "stripes"))
        self.cover = Material(
            weave, cover, dice.colour((0, 1), (0.1, 0.7), (0.35, 1)), dice.between(2.5, 5)
        )
        self.linen = Material("paint", (0.93, 0.92, 0.9), (0.8, 0.8, 0.8))
        self.dark = Material("paint", (0.08, 0.08, 0.09), (0.1, 0.1, 0.1))
        self.metal = Material("paint", (0.5, 0.5, 0.52), (0.4, 0.4, 0.4))
        self.books = Material("books", (0, 0, 0), (0, 0, 0), dice.between(14, 20))
        self.leaves = Material("leaves", (0.12, 0.4, 0.1), (0.3, 0.6, 0.2))
        self.glow = Material("glow", (1.0, 0.93, 0.75), (1, 1, 1))
        screen = dice.pick(((0.03, 0.035, 0.05), dice.colour((0.5, 0.7), (0.5, 0.9), (0.3, 0.7))))
        self.screen = Material("screen", screen, (0, 0, 0))
