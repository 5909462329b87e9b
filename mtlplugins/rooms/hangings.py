"""Makers for things on the walls, the ceiling and flat on the floor of the rendered rooms."""

from __future__ import annotations

from .pieces import Dice, Piece, Style, darker
from .textures import Material


def picture(dice: Dice, style: Style) -> Piece:
    """A framed picture."""
    width, height = dice.between(0.5, 1.3), dice.between(0.45, 0.95)
    frame = dice.pick(((0.05, 0.05, 0.05), (0.75, 0.6, 0.25), (0.35, 0.2, 0.1)))
    art = Material("painting", dice.colour((0, 1), (0.3, 0.9), (0.4, 1)), frame)
    piece = Piece(width, 0.04, height, lift=dice.between(1.3, 1.6))
    piece.add("picture", art, (-width / 2, width / 2), (0, 0.04), (0, height))
    return piece


def window(dice: Dice, style: Style) -> Piece:
    """A window by day, which gives light, or sometimes by night."""
    width, height = dice.between(0.9, 2.2), dice.between(0.9, 1.4)
    night = dice.chance(0.12)
    sky = (0.05, 0.07, 0.14) if night else dice.colour((0.53, 0.62), (0.15, 0.6), (0.85, 1.0))
    frame = dice.pick(((0.95, 0.95, 0.93), (0.95, 0.95, 0.93), (0.4, 0.26, 0.14)))
    piece = Piece(
        width, 0.05, height, lift=dice.between(0.8, 1.0), light=None if night else "window"
    )
    view = Material("window", sky, frame)
    piece.add("window", view, (-width / 2, width / 2), (0, 0.05), (0, height))
    return piece


def curtained_window(dice: Dice, style: Style) -> Piece:
    """A window between two curtains (background) that reach the floor."""
    inner = window(dice, style)
    strip, top = dice.between(0.3, 0.5), inner.lift + inner.height + 0.12
    piece = Piece(inner.width + 2 * strip, 0.14, top, light=inner.light)
    piece.merge(inner, x=0, y=0, z=inner.lift)
    cloth = dice.colour((0, 1), (0.2, 0.75), (0.25, 0.75))
    folds = Material("folds", cloth, darker(cloth, 0.6), 7)
    half = inner.width / 2
    piece.add("background", folds, (-half - strip, -half + 0.05), (0.05, 0.14), (0.02, top))
    piece.add("background", folds, (half - 0.05, half + strip), (0.05, 0.14), (0.02, top))
    return piece


def door(dice: Dice, style: Style) -> Piece:
    """A closed door (background)."""
    width, height = dice.between(0.8, 1.0), dice.between(2.0, 2.15)
    colour = dice.pick(
        (darker(style.wood.first, 0.8), dice.colour((0, 1), (0.05, 0.6), (0.3, 0.9)))
    )
    leaf = Material("panels", colour, darker(colour, 0.5), 1.1)
    frame = Material("paint", darker(colour, 0.6), colour)
    piece = Piece(width + 0.16, 0.06, height + 0.08)
    half = width / 2
    piece.add("background", frame, (-half - 0.08, half + 0.08), (0, 0.04), (0, height + 0.08))
    piece.add("background", leaf, (-half, half), (0.0, 0.06), (0, height))
    return piece


def wall_tv(dice: Dice, style: Style) -> Piece:
    """A television on the wall."""
    half = dice.between(0.5, 0.75)
    piece = Piece(2 * half, 0.08, half * 1.14, lift=dice.between(1.1, 1.35))
    piece.add("tv", style.screen, (-half, half), (0, 0.08), (0, half * 1.14))
    return piece


def shelf(dice: Dice, style: Style) -> Piece:
    """A board on the wall with a row of books or things."""
    width = dice.between(0.8, 1.4)
    piece = Piece(width, 0.26, 0.36, lift=dice.between(1.3, 1.55))
    piece.add("furniture", style.wood, (-width / 2, width / 2), (0, 0.26), (0, 0.05))
    left = -width / 2 + dice.between(0.02, 0.2)
    right = width / 2 - dice.between(0.02, 0.3)
    piece.add("books", style.books, (left, right), (0.02, 0.22), (0.05, 0.34))
    return piece


def ceiling_lamp(dice: Dice, style: Style, *, ceiling: float) -> Piece:
    """A lamp that hangs from the ceiling and lights the room."""
    drop, half = dice.between(0.05, 0.45), dice.between(0.16, 0.32)
    height = dice.between(0.1, 0.22)
    piece = Piece(
        2 * half, 2 * half, drop + height, ceiling - drop - height, free=True, light="lamp"
    )
    glow = style.glow
    piece.add("objects", glow, (-half, half), (0, 2 * half), (0, height))
    piece.add(
        "objects", style.metal, (-0.02, 0.02), (half - 0.02, half + 0.02), (height, drop + height)
    )
    return piece


def rug(dice: Dice, style: Style) -> Piece:
    """A rug; it counts as floor."""
    width, depth = dice.between(1.4, 2.6), dice.between(1.0, 1.8)
    colour = dice.colour((0, 1), (0.2, 0.8), (0.25, 0.8))
    kind = dice.pick(("plaid", "stripes", "carpet"))
    cloth = Material(
        kind, colour, dice.colour((0, 1), (0.1, 0.6), (0.3, 0.9)), dice.between(1.5, 3)
    )
    piece = Piece(width, depth, 0.012, free=True)
    piece.add("floor", cloth, (-width / 2, width / 2), (0, depth), (0, 0.012))
    return piece


def pillar(dice: Dice, style: Style, *, wall: Material, ceiling: float) -> Piece:
    """A part of the wall that protrudes into the room."""
    width, depth = dice.between(0.5, 1.6), dice.between(0.3, 0.9)
    piece = Piece(width, depth, ceiling)
    piece.add("wall", wall, (-width / 2, width / 2), (0, depth), (0, ceiling))
    return piece
