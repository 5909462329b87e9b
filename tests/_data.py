"""Small data sets in files, for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def write(path: Path, values: np.ndarray) -> Path:
    """Write an image, or an array where the name ends in .npy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        Image.fromarray(values).save(path)
    return path


def picture(number: int, *, size: tuple[int, int] = (24, 32)) -> np.ndarray:
    """A smooth uint8 RGB picture (H, W, 3), another one for each number; JPEG keeps it well."""
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    red = 255 * columns / size[1]
    green = 255 * rows / size[0]
    return np.stack([red, green, np.full(size, 20 * number % 256)], -1).astype(np.uint8)


def make_nyuv2(
    root: Path, *, frames: int = 4, test: Sequence[int] = (2, 4), size: tuple[int, int] = (24, 32)
) -> Path:
    """Write a folder as ``tools/dataset_converters/nyuv2.py`` does.

    Frame n has the label (n + column) mod 14 of 13, mod 41 of 40 (0: void), the depth
    1000 n + row millimetres, missing in the first row, and the scene "kitchen" for odd n, else
    "bedroom".
    """
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    names = {number: f"{number:04d}" for number in range(1, frames + 1)}
    for number, name in names.items():
        write(root / "image" / f"{name}.jpg", picture(number, size=size))
        depth = np.where(rows == 0, 0, 1000 * number + rows).astype(np.uint16)
        write(root / "depth" / f"{name}.png", depth)
        for classes in (13, 40):
            labels = ((number + columns) % (classes + 1)).astype(np.uint8)
            write(root / f"semantic{classes}" / f"{name}.png", labels)
    scenes = {name: ("kitchen" if number % 2 else "bedroom") for number, name in names.items()}
    write_labels(root / "scenes.json", scenes)
    write_split(root / "splits" / "train.txt", [names[n] for n in names if n not in test])
    write_split(root / "splits" / "test.txt", [names[n] for n in names if n in test])
    return root


def write_labels(path: Path, labels: dict[str, str]) -> Path:
    """Write the classes of images."""
    path.write_text(json.dumps({"classes": sorted(set(labels.values())), "labels": labels}))
    return path


def write_split(path: Path, lines: Sequence[str]) -> Path:
    """Write a split file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
