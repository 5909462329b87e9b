"""Random recipes of the rendered rooms: contents and colours of each scene type."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from . import furniture, hangings, objects
from .casting import Camera
from .layout import Layout, Placed, choose_camera
from .pieces import Dice, Piece, Style, darker
from .textures import Material

Maker = Callable[[Dice, Style], Piece]


class Recipe(NamedTuple):
    """A scene type: its share of the rooms, and pieces with their probabilities."""

    superclass: str
    share: int
    typical: tuple[tuple[Maker, float], ...]
    others: tuple[tuple[Maker, float], ...]
    floors: tuple[str, ...]


_f, _h, _o = furniture, hangings, objects
_RECIPES = {
    "bedroom": Recipe(
        "rest",
        2,
        ((_f.bed, 1.0), (_f.wardrobe, 0.8), (_f.nightstand, 0.9), (_f.bed, 0.35)),
        (
            (_f.cabinet, 0.5),
            (_f.tv_stand, 0.5),
            (_f.desk, 0.3),
            (_f.nightstand, 0.4),
            (_f.armchair, 0.3),
        ),
        ("planks", "carpet", "carpet"),
    ),
    "living_room": Recipe(
        "rest",
        2,
        ((_f.sofa, 1.0), (_f.tv_stand, 0.95), (_f.coffee_table, 0.8), (_f.sofa, 0.5)),
        ((_f.armchair, 0.6), (_f.bookshelf, 0.5), (_f.cabinet, 0.4), (_o.floor_lamp, 0.5)),
        ("planks", "planks", "carpet"),
    ),
    "playroom": Recipe(
        "rest",
        1,
        ((_f.play_set, 1.0), (_o.boxes, 1.0), (_o.boxes, 0.7), (_f.play_set, 0.5)),
        ((_f.bed, 0.5), (_f.sofa, 0.5), (_f.bookshelf, 0.4), (_f.cabinet, 0.5), (_h.wall_tv, 0.5)),
        ("checks", "carpet", "planks"),
    ),
    "kitchen": Recipe(
        "food",
        1,
        ((_f.kitchen_row, 1.0), (_f.kitchen_row, 0.6)),
        ((_f.dining_set, 0.6), (_f.cabinet, 0.3), (_o.boxes, 0.2), (_h.shelf, 0.2)),
        ("tiles", "tiles", "checks", "planks"),
    ),
    "dining_room": Recipe(
        "food",
        1,
        ((_f.dining_set, 1.0), (_f.cabinet, 0.8)),
        (
            (_f.cabinet, 0.4),
            (_f.wardrobe, 0.2),
            (_o.plant, 0.4),
            (_f.bookshelf, 0.2),
            (_f.sofa, 0.2),
        ),
        ("planks", "planks", "tiles"),
    ),
    "cafe": Recipe(
        "food",
        1,
        ((_f.bar, 1.0), *(((_f.cafe_set, 0.9),) * 4)),
        ((_f.sofa, 0.4), (_o.plant, 0.5), (_h.wall_tv, 0.5), (_h.shelf, 0.3)),
        ("checks", "tiles", "planks"),
    ),
    "office": Recipe(
        "work",
        1,
        ((_f.desk, 1.0), (_f.desk, 0.9), (_f.desk, 0.6)),
        ((_f.cabinet, 0.6), (_f.bookshelf, 0.5), (_o.boxes, 0.4), (_f.sofa, 0.25), (_o.plant, 0.4)),
        ("carpet", "carpet", "tiles"),
    ),
    "library": Recipe(
        "work",
        1,
        ((_f.bookshelf, 1.0), (_f.bookshelf, 1.0), (_f.bookshelf, 0.9), (_f.bookshelf, 0.7)),
        (
            (_f.armchair, 0.6),
            (_f.sofa, 0.3),
            (_f.desk, 0.4),
            (_f.coffee_table, 0.4),
            (_o.floor_lamp, 0.4),
        ),
        ("carpet", "planks"),
    ),
    "classroom": Recipe(
        "work",
        1,
        (((_f.school_desk, 1.0),) * 4 + ((_f.school_desk, 0.7),) * 3),
        ((_h.wall_tv, 0.8), (_f.cabinet, 0.6), (_f.bookshelf, 0.4), (_o.boxes, 0.3)),
        ("tiles", "planks", "carpet"),
    ),
}
_EVERYWHERE = (
    *((_h.picture, 0.7),) * 5,
    *((_h.curtained_window, 0.4), (_h.window, 0.8), (_h.picture, 0.7)),
    *((_h.shelf, 0.2), (_o.plant, 0.25), (_o.boxes, 0.25), (_h.door, 0.3), (_h.wall_tv, 0.15)),
)
SCENES = tuple(_RECIPES)
_DEALT = tuple(i for i, recipe in enumerate(_RECIPES.values()) for _ in range(recipe.share))
SUPERCLASSES = tuple(dict.fromkeys(recipe.superclass for recipe in _RECIPES.values()))
SUPERCLASS_OF_SCENE = tuple(SUPERCLASSES.index(recipe.superclass) for recipe in _RECIPES.values())


@dataclass(frozen=True)
class Scene:
    """A furnished room and a camera in it.

    Attributes:
        index: the scene type's index in SCENES.
        extent: the room's size along x, y and z, metres.
        shell: materials of the walls at the low and high end of x and of y, floor, ceiling.
        placed: the pieces in the room.
        camera: the camera, in free space.
        exposure: factor on all light.
        daylight: brightness of the windows, lamp: of the ceiling lamp.
    """

    index: int
    extent: tuple[float, float, float]
    shell: tuple[Material, ...]
    placed: tuple[Placed, ...]
    camera: Camera
    exposure: float
    daylight: float
    lamp: float


def _shell(dice: Dice, recipe: Recipe) -> tuple[Material, ...]:
    colour = dice.colour((0, 1), (0.0, 0.35), (0.6, 0.95))
    second = darker(colour, dice.between(0.7, 0.9))
    kind = dice.pick(("paint", "paint", "paint", "stripes"))
    wall = Material(kind, colour, second, dice.between(3, 6))
    accent = wall
    if dice.chance(0.3):
        kind = dice.pick(("paint", "bricks", "tiles"))
        strong = dice.colour((0, 1), (0.2, 0.6), (0.35, 0.9))
        accent = Material(kind, strong, darker(strong, 0.75), dice.between(3, 4))
    walls = [wall] * 4
    walls[dice.count(0, 3)] = accent
    kind = dice.pick(recipe.floors)
    wooden = kind == "planks"
    base = dice.colour(
        *(((0.05, 0.1), (0.3, 0.7), (0.25, 0.8)) if wooden else ((0, 1), (0, 0.35), (0.3, 0.8)))
    )
    scale = {"planks": 6.0, "tiles": 2.5, "checks": 2.2, "carpet": 2.0}[kind]
    floor = Material(
        kind, base, darker(base, dice.between(0.5, 0.75)), scale * dice.between(0.8, 1.2)
    )
    white = dice.colour((0, 1), (0, 0.06), (0.85, 1.0))
    return *walls, floor, Material("paint", white, white)


def _furnish(
    dice: Dice, recipe: Recipe, extent: tuple[float, float, float], wall: Material
) -> Layout:
    style, layout = Style(dice), Layout(dice, extent)
    layout.place(hangings.ceiling_lamp(dice, style, ceiling=extent[2]), worth=0.0)
    if dice.chance(0.2):
        layout.place(hangings.pillar(dice, style, wall=wall, ceiling=extent[2]), worth=0.0)
    area = extent[0] * extent[1]
    more = (area > 20) + (area > 45)  # a large room gets more of its typical pieces
    views = (hangings.window, hangings.window, hangings.curtained_window)
    batches = (
        (2.0, _drawn(dice, recipe.typical, 1.0)),
        (0.8, [dice.pick(views), *([hangings.door] if dice.chance(0.85) else [])]),
        (1.0, _drawn(dice, recipe.others, 1.0)),
        (1.0, _drawn(dice, (recipe.typical + recipe.others) * more, 0.6)),
        (0.4, _drawn(dice, _EVERYWHERE, 1.0)),
    )
    for worth, makers in batches:
        for number, maker in enumerate(makers):
            first = worth == 2 and number == 0
            layout.place(maker(dice, style), worth=5.0 if first else worth)
    if dice.chance(0.4):
        layout.lay(hangings.rug(dice, style))
    return layout


def _drawn(dice: Dice, options: tuple[tuple[Maker, float], ...], factor: float) -> list[Maker]:
    return [maker for maker, probability in options if dice.chance(probability * factor)]


def sample_scene(seed: int, index: int) -> Scene:
    """Draw scene ``index`` of ``seed``: it depends on nothing else."""
    dice = Dice(np.random.default_rng([seed, index]))
    number = dice.pick(_DEALT)
    recipe = _RECIPES[SCENES[number]]
    side = math.exp(dice.between(math.log(3.0), math.log(9.5)))
    length, width = (side * dice.between(0.8, 1.25) for _ in range(2))
    extent = (length, width, dice.between(2.3, 3.2))
    shell = _shell(dice, recipe)
    layout = _furnish(dice, recipe, extent, shell[0])
    return Scene(
        index=number,
        extent=extent,
        shell=shell,
        placed=tuple(layout.placed),
        camera=choose_camera(dice, layout),
        exposure=dice.between(0.7, 1.25),
        daylight=dice.between(0.5, 1.6),
        lamp=dice.between(0.3, 1.3),
    )
