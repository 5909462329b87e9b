"""Small files in the layouts in which benchmarks are downloaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import savemat

from tests._data import make_image, write, write_split

SIZE = (24, 32)


def make_nyud_mt(root: Path) -> Path:
    """Write NYUD-MT: frame n has the label n + column (0: void), depth n metres but in row 0."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    for number in (1, 2, 3):
        name = f"{number:04d}"
        write(root / f"images/{name}.jpg", make_image(number))
        labels = ((number + columns) % 41).astype(np.uint8)
        write(root / f"segmentation/{name}.png", labels)
        write(root / f"depth/{name}.npy", np.where(rows == 0, 0, number).astype(np.float32))
        normals = np.where(rows[..., None] == 0, 0, [0.6, 0, -0.8]).astype(np.float32)
        write(root / f"normals/{name}.npy", normals)
        write(root / f"edge/{name}.npy", (columns == 5 * number).astype(np.float32))
    write_split(root / "gt_sets/train.txt", ["0001", "0002"])
    write_split(root / "gt_sets/val.txt", ["0003"])
    return root


def make_cityscapes(root: Path) -> Path:
    """Write Cityscapes: ids by column, disparity 40 px (16 bits) but in row 0, a city a split."""
    rows, columns = np.mgrid[: SIZE[0], : 2 * SIZE[0]]
    for split, city, frames in (("train", "ulm", 2), ("val", "lindau", 1)):
        for number in range(frames):
            name = f"{split}/{city}/{city}_{number:06d}_000019"
            image = make_image(number, size=rows.shape)
            write(root / f"leftImg8bit/{name}_leftImg8bit.png", image)
            ids = (columns % 34).astype(np.uint8)
            write(root / f"gtFine/{name}_gtFine_labelIds.png", ids)
            disparity = np.where(rows == 0, 0, 40 * 256 + 1).astype(np.uint16)
            write(root / f"disparity/{name}_disparity.png", disparity)
    return root


def make_pascal_mt(root: Path) -> Path:
    """Write PASCAL-MT: a sofa (397) left of a person (284), whose columns 20 to 24 are an arm.

    The third image has no people, and its classes are in the second folder.
    """
    _, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    for number in (1, 2, 3):
        name = f"2008_{number:06d}"
        write(root / f"JPEGImages/{name}.jpg", make_image(number))
        folder = "pascal-context" if number == 3 else "VOC12"
        labels = np.where(columns < 16, 18, 15).astype(np.uint8)
        write(root / f"semseg/{folder}/{name}.png", labels)
        context = root / f"pascal-context/trainval/{name}.mat"
        context.parent.mkdir(parents=True, exist_ok=True)
        savemat(context, dict(LabelMap=np.where(columns < 16, 397, 5).astype(np.uint16)))
        write(root / f"sal_distill/{name}.png", (columns * 8).astype(np.uint8))
        ahead = np.tile(np.array([128, 128, 5], np.uint8), (*SIZE, 1))  # a bit too short
        write(root / f"normals_distill/{name}.png", ahead)
        arm = dict(part_name="rlarm", mask=((columns >= 20) & (columns < 25)).astype(np.uint8))
        head = dict(part_name="hair", mask=(columns >= 30).astype(np.uint8))
        mask = (columns >= 16).astype(np.uint8)
        person = {"class": "person", "class_ind": 15, "mask": mask, "parts": [arm, head]}
        sofa = {"class": "sofa", "class_ind": 18, "mask": 1 - mask, "parts": []}
        parts = root / f"human_parts/{name}.mat"
        parts.parent.mkdir(parents=True, exist_ok=True)
        objects = [sofa] if number == 3 else [sofa, person]
        savemat(parts, dict(anno=dict(imname=name, objects=objects)))
    write_split(root / "ImageSets/Context/train.txt", ["2008_000001", "2008_000002"])
    write_split(root / "ImageSets/Context/val.txt", ["2008_000003", "2008_000002"])
    return root
