"""Small data sets in files, for tests."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mtlplugins.datasets.cifar import VARIANTS


def write(path: Path, values: np.ndarray) -> Path:
    """Write an image, or an array where the name ends in .npy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        Image.fromarray(values).save(path)
    return path


def make_image(number: int, *, size: tuple[int, int] = (24, 32)) -> np.ndarray:
    """A smooth uint8 RGB image (H, W, 3), another one for each number; JPEG keeps it well."""
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    red = 255 * columns / size[1]
    green = 255 * rows / size[0]
    return np.stack([red, green, np.full(size, 20 * number % 256)], -1).astype(np.uint8)


def make_nyuv2(
    root: Path, *, frames: int = 4, test: Sequence[int] = (2, 4), size: tuple[int, int] = (24, 32)
) -> Path:
    """Write a folder as ``tools/dataset_converters/nyuv2.py`` does.

    Frame n has the label (n + column) mod 14 of 13, mod 41 of 40 (0: void), the depth
    1000 n + row millimetres, missing in the first row, the normal (0.6, 0, -0.8), missing in the
    first row, and the scene "kitchen" for odd n, else "bedroom".
    """
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    names = {number: f"{number:04d}" for number in range(1, frames + 1)}
    for number, name in names.items():
        write(root / "image" / f"{name}.jpg", make_image(number, size=size))
        depth = np.where(rows == 0, 0, 1000 * number + rows).astype(np.uint16)
        write(root / "depth" / f"{name}.png", depth)
        normals = np.where(rows[..., None] == 0, 128, [204, 128, 26]).astype(np.uint8)
        write(root / "normals" / f"{name}.png", normals)
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


def make_taskonomy(
    root: Path, *, by_building: bool = False, buildings: Sequence[str] = ("hanson", "darden")
) -> Path:
    """Write buildings as they are downloaded, and a split file: the first is for training.

    Each has the views 0 and 1 of the points 3 and 20, of 8 x 18 pixels. Column c of a label map has
    the label c; the depth is row + 1 metres, missing in the first row.
    """
    rows, columns = np.mgrid[0:8, 0:18]
    depth = np.where(rows == 0, 65535, 512 * (rows + 1)).astype(np.uint16)
    files = {
        ("rgb", "rgb"): make_image(1, size=(8, 18)),
        ("depth_zbuffer", "depth_zbuffer"): depth,
        ("segment_semantic", "segmentsemantic"): columns.astype(np.uint8),
    }
    for (task, domain), values in files.items():
        for building in buildings:
            folder = root / building / task if by_building else root / task / "taskonomy" / building
            for point, view in ((3, 0), (3, 1), (20, 0), (20, 1)):
                write(folder / f"point_{point}_view_{view}_domain_{domain}.png", values)
            os.utime(folder, (1e9, 1e9))  # long ago, as a finished download
    lines = [f"{name},{int(i == 0)},{int(i > 0)},0" for i, name in enumerate(buildings)]
    write_split(root / "train_val_test_tiny.csv", ["id,train,val,test", *lines])
    return root


def make_cifar(
    root: Path, *, num_classes: int = 10, batch: int = 8, protocol: int = 2, seed: int = 0
) -> Path:
    """Write CIFAR-10 or -100 in the layout of the official files; each batch has all its classes.

    An image is noise around a colour of its class, so that both tasks can be learnt from it.
    """
    variant = VARIANTS[num_classes]
    folder = root / variant.folder
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    hierarchy = list(variant.hierarchy.values())
    owner = {name: index for index, names in enumerate(hierarchy) for name in names}
    colours = np.random.default_rng(1).integers(40, 216, (num_classes, 3))
    for file in (*variant.train, variant.test):
        labels = [int(label) for label in random.permutation(batch) % num_classes]
        noise = random.integers(-24, 25, (batch, 3, 1024))
        data = (colours[labels][:, :, None] + noise).astype(np.uint8).reshape(batch, 3072)
        content = {b"batch_label": file.encode(), b"data": data, variant.label.encode(): labels}
        if variant.coarse:
            coarse = [owner[variant.classes[label]] for label in labels]
            content[variant.coarse.encode()] = coarse
        (folder / file).write_bytes(pickle.dumps(content, protocol))
    lists = dict(label=variant.classes, superclass=tuple(variant.hierarchy))
    names = {key.encode(): [n.encode() for n in lists[t]] for t, key in variant.keys.items()}
    (folder / variant.names).write_bytes(pickle.dumps(names, protocol))
    return folder
