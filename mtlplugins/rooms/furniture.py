"""Makers for the furniture of the rendered rooms: each builds a piece out of boxes."""

from __future__ import annotations

import math

from .objects import ball, bright, clutter, pile, table_lamp, thing
from .pieces import Dice, Piece, Span, Style, darker
from .textures import Material


def legs(
    piece: Piece, label: str, material: Material, *, x: Span, y: Span, top: float, thick: float
) -> None:
    """Four legs, inside the corners of a rectangle."""
    for low in (x[0], x[1] - thick):
        for near in (y[0], y[1] - thick):
            piece.add(label, material, (low, low + thick), (near, near + thick), (0, top))


def bed(dice: Dice, style: Style) -> Piece:
    """A bed with its headboard to the wall, for one or two."""
    width, length = dice.pick((dice.between(0.95, 1.2), dice.between(1.4, 2.0))), 2.1
    top, half = dice.between(0.42, 0.6), width / 2
    board = dice.between(0.8, 1.25)
    piece = Piece(width, length, board)
    piece.add("bed", style.wood, (-half, half), (0, 0.07), (0, board))
    piece.add("bed", style.wood, (-half, half), (0.07, length), (0.08, 0.28))
    piece.add("bed", style.linen, (-half + 0.02, half - 0.02), (0.07, 0.8), (0.28, top))
    piece.add("bed", style.cover, (-half - 0.02, half + 0.02), (0.62, length), (0.2, top + 0.05))
    for side in (-1, 1) if width > 1.3 else (0,):
        x, reach = side * width / 4, min(0.36, width / 4 - 0.04 if side else 0.36)
        piece.add("bed", style.linen, (x - reach, x + reach), (0.12, 0.52), (top, top + 0.14))
    return piece


def sofa(dice: Dice, style: Style) -> Piece:
    """A sofa for two or three, sometimes with a cushion."""
    width, depth = dice.between(1.5, 2.5), dice.between(0.8, 0.95)
    seat, back, arm = dice.between(0.38, 0.46), dice.between(0.75, 0.95), 0.18
    half = width / 2
    piece = Piece(width, depth, back)
    piece.add("sofa", style.sofa, (-half, half), (0, 0.24), (0.05, back))
    piece.add("sofa", style.sofa, (-half, -half + arm), (0.24, depth), (0.05, seat + 0.2))
    piece.add("sofa", style.sofa, (half - arm, half), (0.24, depth), (0.05, seat + 0.2))
    cushions = 3 if width > 1.9 else 2
    step = (width - 2 * arm) / cushions
    for left in (-half + arm + step * i for i in range(cushions)):
        piece.add("sofa", style.sofa, (left + 0.01, left + step - 0.01), (0.24, depth), (0.1, seat))
    if dice.chance(0.5):
        x = dice.pick((-1, 1)) * (half - arm - 0.25)
        piece.add("sofa", style.cover, (x - 0.2, x + 0.2), (0.24, 0.38), (seat, seat + 0.36))
    return piece


def chair(dice: Dice, style: Style) -> Piece:
    """A chair that looks along y."""
    width, seat, back = dice.between(0.42, 0.5), dice.between(0.43, 0.48), dice.between(0.82, 1.0)
    half = width / 2
    piece = Piece(width, width, back, free=True)
    legs(piece, "chair", style.table_wood, x=(-half, half), y=(0, width), top=seat, thick=0.05)
    piece.add("chair", style.seat, (-half, half), (0, width), (seat - 0.05, seat + 0.02))
    low = dice.pick((seat + 0.02, seat + 0.2))
    piece.add("chair", style.seat, (-half, half), (-0.02, 0.05), (low, back))
    return piece


def office_chair(dice: Dice, style: Style) -> Piece:
    """A chair on a pole and a star-shaped foot."""
    back = dice.between(0.9, 1.15)
    piece = Piece(0.56, 0.56, back, free=True)
    for x, y in ((0.28, 0.05), (0.05, 0.28)):
        piece.add("chair", style.dark, (-x, x), (0.28 - y, 0.28 + y), (0.02, 0.08))
    piece.add("chair", style.metal, (-0.04, 0.04), (0.24, 0.32), (0.08, 0.44))
    piece.add("chair", style.seat, (-0.25, 0.25), (0.03, 0.53), (0.42, 0.52))
    piece.add("chair", style.seat, (-0.23, 0.23), (0.0, 0.08), (0.56, back))
    return piece


def armchair(dice: Dice, style: Style) -> Piece:
    """An upholstered chair; small for a sofa."""
    width = dice.between(0.75, 0.9)
    half, back = width / 2, dice.between(0.8, 1.0)
    piece = Piece(width, 0.8, back, free=True)
    piece.add("chair", style.seat, (-half, half), (0, 0.18), (0.08, back))
    piece.add("chair", style.seat, (-half + 0.14, half - 0.14), (0.18, 0.8), (0.08, 0.42))
    for left in (-half, half - 0.14):
        piece.add("chair", style.seat, (left, left + 0.14), (0.18, 0.8), (0.08, 0.6))
    return piece


def plain_table(dice: Dice, style: Style, *, width: float, depth: float, height: float) -> Piece:
    """A top on four legs."""
    half = width / 2
    piece = Piece(width, depth, height, free=True)
    piece.add("table", style.table_wood, (-half, half), (0, depth), (height - 0.06, height))
    span = (-half + 0.04, half - 0.04), (0.04, depth - 0.04)
    legs(piece, "table", style.table_wood, x=span[0], y=span[1], top=height - 0.06, thick=0.07)
    return piece


def coffee_table(dice: Dice, style: Style) -> Piece:
    """A low table with things on it."""
    sizes = {"width": dice.between(0.8, 1.2), "depth": dice.between(0.5, 0.75)}
    piece = plain_table(dice, style, **sizes, height=dice.between(0.38, 0.5))
    clutter(dice, style, piece, top=piece.height, y=piece.depth / 2)
    return piece


def dining_set(dice: Dice, style: Style, *, width: Span = (1.3, 2.1), seats: int = 6) -> Piece:
    """A table with chairs along its two long sides."""
    table = plain_table(
        dice, style, width=dice.between(*width), depth=dice.between(0.75, 1.0), height=0.75
    )
    clutter(dice, style, table, top=0.75, y=table.depth / 2, books=0.1)
    piece = Piece(table.width, table.depth + 1.1, 1.0, free=True)
    piece.merge(table, x=0, y=0.55)
    row = max(min(seats // 2, int(table.width / 0.6)), 1)
    for i in range(row):
        x = table.width * ((i + 0.5) / row - 0.5)
        for y, yaw in ((0.3, 0.0), (piece.depth - 0.3, math.pi)):
            if dice.chance(0.9):
                pull = dice.between(-0.15, 0.12) * math.cos(yaw)
                seat = chair(dice, style)
                piece.merge(seat, x=x, y=y - pull, yaw=yaw + dice.between(-0.25, 0.25))
    return piece


def cafe_set(dice: Dice, style: Style) -> Piece:
    """A small table for two."""
    return dining_set(dice, style, width=(0.7, 0.9), seats=2)


def play_set(dice: Dice, style: Style) -> Piece:
    """A child's low table amid scattered toys."""
    table = plain_table(dice, style, width=dice.between(0.8, 1.1), depth=0.6, height=0.5)
    piece = Piece(2.0, 1.8, 0.7, free=True)
    piece.merge(table, x=0, y=0.6)
    for x, y in ((-0.75, 0.3), (0.75, 0.2), (-0.7, 1.5), (0.1, 1.55), (0.75, 1.4)):
        piece.merge(thing(dice, dice.between(0.2, 0.42)), x=x, y=y - 0.15, yaw=dice.between(0, 1.5))
    return piece


def desk(dice: Dice, style: Style) -> Piece:
    """A desk against a wall, with a screen or books on it and a chair before it."""
    width = dice.between(1.1, 1.7)
    table = plain_table(dice, style, width=width, depth=0.7, height=0.74)
    piece = Piece(width, 1.35, 1.25)
    if dice.chance(0.85):
        x, half = dice.between(-0.2, 0.2), dice.between(0.3, 0.42)
        table.add("tv", style.dark, (x - 0.1, x + 0.1), (0.15, 0.3), (0.74, 0.82))
        table.add("tv", style.screen, (x - half, x + half), (0.2, 0.25), (0.82, 0.82 + half * 1.3))
    else:
        table.merge(pile(dice, style), x=-width / 4, y=0.1, z=0.74)
    if dice.chance(0.7):
        table.merge(pile(dice, style), x=width / 2 - 0.22, y=0.1, z=0.74)
    table.merge(ball(dice), x=-width / 2 + 0.2, y=0.25, z=0.74)
    table.add("table", style.front, (width / 2 - 0.45, width / 2), (0.05, 0.68), (0.05, 0.68))
    piece.merge(table, x=0, y=0)
    seat = dice.pick((chair, office_chair))(dice, style)
    x = dice.between(-0.3, 0.05)
    piece.merge(seat, x=x, y=1.3, yaw=math.pi + dice.between(-0.5, 0.5))
    return piece


def school_desk(dice: Dice, style: Style) -> Piece:
    """A small free desk with a chair behind it."""
    table = plain_table(dice, style, width=dice.between(0.7, 1.2), depth=0.5, height=0.72)
    piece = Piece(table.width, 1.1, 0.9, free=True)
    piece.merge(table, x=0, y=0.55)
    piece.merge(chair(dice, style), x=0, y=0.1, yaw=dice.between(-0.15, 0.15))
    if dice.chance(0.5):
        piece.merge(pile(dice, style), x=dice.between(-0.1, 0.1), y=0.7, z=0.72)
    return piece


def cabinet(dice: Dice, style: Style, *, width: Span = (0.8, 1.6)) -> Piece:
    """A low cabinet or chest of drawers with things on it."""
    wide, height = dice.between(*width), dice.between(0.7, 1.05)
    piece = Piece(wide, 0.45, height)
    piece.add("furniture", style.front, (-wide / 2, wide / 2), (0, 0.45), (0.03, height))
    clutter(dice, style, piece, top=height, y=0.22, most=3)
    return piece


def nightstand(dice: Dice, style: Style) -> Piece:
    """A small chest of drawers with a lamp or books on it."""
    piece = Piece(0.5, 0.42, 0.55)
    piece.add("furniture", style.front, (-0.25, 0.25), (0, 0.42), (0.03, 0.52))
    small = table_lamp(style) if dice.chance(0.6) else pile(dice, style)
    piece.merge(small, x=0, y=0.08, z=0.52)
    return piece


def wardrobe(dice: Dice, style: Style) -> Piece:
    """A tall cupboard."""
    width, height = dice.between(0.9, 2.0), dice.between(1.8, 2.2)
    piece = Piece(width, 0.6, height)
    front = style.front._replace(scale=1.6)
    piece.add("furniture", front, (-width / 2, width / 2), (0, 0.6), (0, height))
    return piece


def bookshelf(dice: Dice, style: Style) -> Piece:
    """A high shelf, most of its rows full of books."""
    width, rows = dice.between(0.8, 1.8), dice.count(3, 5)
    height, half = 0.1 + 0.38 * rows, width / 2
    piece = Piece(width, 0.34, height)
    piece.add("furniture", style.wood, (-half, half), (0, 0.3), (0, height))
    for row in range(rows):
        low = 0.1 + 0.38 * row
        if dice.chance(0.88):
            left = -half + 0.04 if dice.chance(0.7) else -half + dice.between(0.04, width * 0.4)
            right = half - 0.04 if dice.chance(0.7) else half - dice.between(0.04, width * 0.4)
            piece.add("books", style.books, (left, right), (0.05, 0.32), (low, low + 0.32))
        else:
            piece.add("objects", bright(dice), (-0.2, 0.2), (0.1, 0.33), (low, low + 0.3))
    return piece


def tv_stand(dice: Dice, style: Style) -> Piece:
    """A low cabinet with a television on it."""
    width, height, screen = dice.between(1.3, 1.9), dice.between(0.4, 0.65), dice.between(0.5, 0.8)
    top = height + 0.06 + screen * 1.12
    piece = Piece(width, 0.45, top)
    piece.add("furniture", style.front, (-width / 2, width / 2), (0, 0.45), (0.03, height))
    piece.add("tv", style.dark, (-0.2, 0.2), (0.12, 0.32), (height, height + 0.06))
    piece.add("tv", style.screen, (-screen, screen), (0.18, 0.26), (height + 0.06, top))
    return piece


def kitchen_row(dice: Dice, style: Style) -> Piece:
    """A counter with cupboards above it, a stove and a fridge at its end."""
    width = dice.between(1.8, 3.2)
    half, end = width / 2, -width / 2 + 0.7
    piece = Piece(width, 0.65, 2.1)
    piece.add("furniture", style.front, (end, half), (0, 0.6), (0, 0.86))
    stone = Material("paint", darker(style.metal.first, dice.between(0.3, 1.7)), (0, 0, 0))
    piece.add("furniture", stone, (end, half), (0, 0.64), (0.86, 0.92))
    if dice.chance(0.75):
        piece.add("furniture", style.front, (end, half), (0, 0.35), (1.45, 2.1))
    fridge = Material("panels", dice.colour((0, 1), (0, 0.1), (0.6, 0.95)), (0.3, 0.3, 0.3), 0.9)
    piece.add("furniture", fridge, (-half, end - 0.02), (0, 0.65), (0, dice.between(1.5, 2.0)))
    piece.add("objects", style.dark, (end + 0.3, end + 0.85), (0.05, 0.58), (0.92, 0.96))
    for x in (end + 0.55, half - 0.7, half - 0.25):
        if dice.chance(0.75):
            piece.merge(ball(dice), x=x, y=0.2, z=0.95)
    return piece


def bar(dice: Dice, style: Style) -> Piece:
    """A cafe's counter with things on it, free of the wall behind."""
    width = dice.between(1.6, 2.6)
    piece = Piece(width, 0.65, 1.1)
    piece.add("furniture", style.front, (-width / 2, width / 2), (0.05, 0.6), (0, 1.04))
    piece.add("furniture", style.table_wood, (-width / 2, width / 2), (0, 0.65), (1.04, 1.1))
    clutter(dice, style, piece, top=1.1, y=0.3, books=0.0, most=4)
    return piece
