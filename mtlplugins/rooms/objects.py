"""Makers for small objects of the rendered rooms, on tables and on the floor."""

from __future__ import annotations

from .pieces import Dice, Piece, Style, darker
from .textures import Material


def bright(dice: Dice) -> Material:
    """A material of any strong colour, for small objects."""
    colour = dice.colour((0, 1), (0.4, 0.95), (0.35, 0.95))
    return Material(dice.pick(("paint", "paint", "stripes")), colour, darker(colour, 0.6), 12)


def thing(dice: Dice, side: float) -> Piece:
    """A small thing of about that side: a box, a vase, a jug."""
    height, half = side * dice.between(0.7, 1.6), side / 2
    piece = Piece(side, side, height)
    piece.add("objects", bright(dice), (-half, half), (0, side), (0, height))
    return piece


def ball(dice: Dice) -> Piece:
    """A thing of any small size."""
    return thing(dice, dice.between(0.12, 0.3))


def pile(dice: Dice, style: Style) -> Piece:
    """A row of upright books."""
    width, height = dice.between(0.25, 0.5), dice.between(0.24, 0.32)
    piece = Piece(width, 0.22, height)
    piece.add("books", style.books, (-width / 2, width / 2), (0, 0.22), (0, height))
    return piece


def table_lamp(style: Style) -> Piece:
    """A lamp for a table; a little taller than a pile of books."""
    piece = Piece(0.28, 0.28, 0.5)
    piece.add("objects", style.metal, (-0.03, 0.03), (0.11, 0.17), (0, 0.28))
    piece.add("objects", style.glow, (-0.14, 0.14), (0, 0.28), (0.26, 0.5))
    return piece


def clutter(
    dice: Dice,
    style: Style,
    piece: Piece,
    *,
    top: float,
    y: float,
    books: float = 0.35,
    most: int = 2,
) -> None:
    """Put up to ``most`` objects next to each other on a piece."""
    slots = max(min(most, int(piece.width / 0.45)), 1)
    for slot in range(slots):
        if dice.chance(0.25):
            continue
        x = piece.width * ((slot + 0.5) / slots - 0.5)
        small = pile(dice, style) if dice.chance(books) and piece.width > 0.6 else ball(dice)
        small = table_lamp(style) if dice.chance(0.12) else small
        piece.merge(small, x=x, y=y - small.depth / 2, z=top, yaw=dice.between(-0.3, 0.3))


def plant(dice: Dice, style: Style) -> Piece:
    """A plant in a pot on the floor."""
    height, pot = dice.between(0.8, 1.6), dice.between(0.14, 0.2)
    piece = Piece(0.6, 0.6, height)
    piece.add("objects", bright(dice), (-pot, pot), (0.3 - pot, 0.3 + pot), (0, 0.36))
    piece.add("objects", style.leaves, (-0.28, 0.28), (0.12, 0.48), (0.42, height - 0.2))
    piece.add("objects", style.leaves, (-0.16, 0.16), (0.02, 0.58), (0.5, height))
    return piece


def floor_lamp(dice: Dice, style: Style) -> Piece:
    """A lamp on a thin pole."""
    height = dice.between(1.4, 1.75)
    piece = Piece(0.42, 0.42, height)
    piece.add("objects", style.metal, (-0.14, 0.14), (0.07, 0.35), (0, 0.04))
    piece.add("objects", style.metal, (-0.025, 0.025), (0.185, 0.235), (0.04, height))
    piece.add("objects", style.glow, (-0.2, 0.2), (0.01, 0.41), (height - 0.32, height))
    return piece


def boxes(dice: Dice, style: Style) -> Piece:
    """Boxes and bags on the floor."""
    piece = Piece(0.9, 0.5, 0.7)
    piece.merge(thing(dice, dice.between(0.35, 0.48)), x=-0.22, y=0, yaw=dice.between(-0.1, 0.1))
    piece.merge(thing(dice, dice.between(0.3, 0.42)), x=0.25, y=0.02, yaw=dice.between(-0.2, 0.2))
    return piece
