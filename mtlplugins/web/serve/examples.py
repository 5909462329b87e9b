"""Example images: rendered rooms, for a page that was given none."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from mtlplugins.rooms.renderer import render_room

_SEED, _COUNT, _SIZE = 4, 3, (192, 288)


def render_examples(folder: Path) -> list[Path]:
    """Render rooms that no data set of the configs has, and write them to ``folder``."""
    paths = [folder / f"room_{number}.png" for number in range(_COUNT)]
    for number, path in enumerate(paths):
        Image.fromarray(render_room(_SEED, number, size=_SIZE).image).save(path)
    return paths
