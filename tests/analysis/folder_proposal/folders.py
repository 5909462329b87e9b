"""Folders as strangers have them, small; each of ten images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests._data import make_image, write

SIZE = (48, 64)
COUNT = 10
ROWS, COLUMNS = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]


def camvid(root: Path) -> Path:
    """Colours in label files with another suffix, and their list; black is void."""
    colours = np.array([[128, 128, 128], [128, 0, 0], [0, 0, 0]], np.uint8)
    for number in range(COUNT):
        name = f"0001TP_{number:06d}"
        write(root / f"images/{name}.png", make_image(number, size=SIZE))
        write(root / f"labels/{name}_L.png", colours[(ROWS + number) // 17 % 3])
    lines = ["name,r,g,b", "Sky,128,128,128", "Building,128,0,0", "Void,0,0,0"]
    (root / "class_dict.csv").write_text("\n".join(lines))
    return root


def kitti(root: Path) -> Path:
    """Sparse 16-bit depth of 1/256 m, named by a rule, as KITTI's depth_selection."""
    random = np.random.default_rng(0)
    for number in range(COUNT):
        name = "2011_09_26_drive_0002_sync_{}_" + f"{number:010d}_image_02.png"
        write(root / "image" / name.format("image"), make_image(number, size=SIZE))
        depth = 256 * (5 + 50 * (1 - ROWS / SIZE[0]) + number)
        depth[random.random(SIZE) < 0.8] = 0
        path = root / "groundtruth_depth" / name.format("groundtruth_depth")
        write(path, depth.astype(np.uint16))
    return root


def coco(root: Path) -> Path:
    """Photos, and one JSON of polygons and run lengths."""
    images, annotations = [], []
    for number in range(COUNT):
        write(root / f"images/{number:012d}.jpg", make_image(number, size=SIZE))
        size = dict(height=SIZE[0], width=SIZE[1])
        images.append(dict(id=number, file_name=f"{number:012d}.jpg", **size))
        box = [[5, 5, 30, 5, 30, 20 + number, 5, 20 + number]]
        runs = dict(size=list(SIZE), counts=[48 * 40, 48 * 10, 48 * 14])
        for category, segmentation in ((1, box), (7, runs)):
            key = len(annotations)
            annotations.append(
                dict(id=key, image_id=number, category_id=category, segmentation=segmentation)
            )
    categories = [dict(id=1, name="cat"), dict(id=7, name="dog"), dict(id=9, name="cow")]
    content = dict(images=images, annotations=annotations, categories=categories)
    (root / "annotations").mkdir()
    (root / "annotations/instances.json").write_text(json.dumps(content))
    return root


def voc(root: Path) -> Path:
    """CVAT's export in VOC's layout, with numbers of objects that no task learns."""
    colours = np.array([[0, 0, 0], [128, 64, 32]], np.uint8)
    for number in range(COUNT):
        write(root / f"JPEGImages/{number}.jpg", make_image(number, size=SIZE))
        mask = colours[(20 + number < COLUMNS).astype(int)]
        write(root / f"SegmentationClass/{number}.png", mask)
        write(root / f"SegmentationObject/{number}.png", mask)
    lists = root / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("".join(f"{n}\n" for n in range(7)))
    (lists / "val.txt").write_text("7\n8\n9\n")
    (root / "labelmap.txt").write_text("background:0,0,0::\nroad:128,64,32::\n")
    return root


FOLDERS = dict(camvid=camvid, kitti=kitti, coco=coco, voc=voc)
