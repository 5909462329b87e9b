"""COCO's JSON of instances and its panoptic format, against maps written by hand."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtlplugins.datasets import CocoLabelMap, CocoPanopticLabelMap, MultiTaskDataset
from mtlplugins.datasets.reading.files import BrokenFile
from tests._data import make_image, write

CLASSES = ("background", "cat", "dog")
INSTANCES = dict(
    images=[
        dict(id=5, file_name="train/a.jpg", height=3, width=4),
        dict(id=6, file_name="train/b.jpg", height=3, width=4),
    ],
    categories=[dict(id=1, name="cat"), dict(id=18, name="dog"), dict(id=0, name="project")],
    annotations=[
        # small, of two parts; listed first, and yet on the large one
        dict(
            id=1,
            image_id=5,
            category_id=18,
            segmentation=[[0, 0, 1, 0, 1, 1, 0, 1], [3, 0, 4, 0, 4, 1, 3, 1]],
        ),
        dict(id=2, image_id=5, category_id=1, segmentation=dict(size=[3, 4], counts=[0, 8, 4])),
        # the same as [8, 4]
        dict(id=3, image_id=6, category_id=1, segmentation=dict(size=[3, 4], counts="84")),
    ],
)
PANOPTIC = dict(
    images=INSTANCES["images"],
    categories=INSTANCES["categories"],
    annotations=[
        dict(
            image_id=5,
            file_name="a.png",
            segments_info=[dict(id=259, category_id=1), dict(id=131072, category_id=18)],
        )
    ],
)


def changed(content: dict, *path: Any, to: Any) -> dict:
    content = deepcopy(content)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return content


def find(folder: Path, content: Any, **settings: Any) -> dict:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "all.json").write_text(text)
    return CocoLabelMap(**(dict(classes=CLASSES, file="all.json") | settings)).find(
        folder, ["a", "b", "c"]
    )


def test_instances(tmp_path: Path) -> None:
    target = CocoLabelMap(CLASSES, "all.json")
    found = find(tmp_path, INSTANCES)
    assert list(found) == ["a", "b"]
    assert target.load(found["a"]).tolist() == [[2, 1, 1, 2], [1, 1, 1, 0], [1, 1, 0, 0]]
    assert target.load(found["b"]).tolist() == [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 1]]
    assert str(found["a"]) == f"{tmp_path}/all.json (image 'train/a.jpg')"
    assert target.where(tmp_path, "c").endswith(
        "all.json, which names images such as 'train/a.jpg'"
    )
    assert target.where(tmp_path / "x", "c").endswith("all.json, which does not exist")


def test_categories_become_classes(tmp_path: Path) -> None:
    settings = dict(classes=["pet"], background=None, values=dict(cat="pet", dog=None))
    found = find(tmp_path, INSTANCES, **settings)
    loaded = CocoLabelMap(file="all.json", **settings).load(found["a"])
    assert loaded.tolist() == [[255, 0, 0, 255], [0, 0, 0, 255], [0, 0, 255, 255]]
    settings = dict(classes=["background", "cat"], unlisted="ignore")
    found = find(tmp_path, INSTANCES, **settings)
    loaded = CocoLabelMap(file="all.json", **settings).load(found["a"])
    assert loaded.tolist() == [[255, 1, 1, 255], [1, 1, 1, 0], [1, 1, 0, 0]]


def test_a_data_set_of_instances(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / f"image/{name}.jpg", make_image(1, size=(3, 4)))
    write(tmp_path / "image/c.jpg", make_image(1, size=(3, 4)))
    find(tmp_path, INSTANCES)
    data = MultiTaskDataset(
        str(tmp_path),
        dict(parts=dict(type="CocoLabelMap", classes=CLASSES, file="all.json")),
        pipeline=[dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")],
    )
    assert [data.tasks_of(i) for i in range(3)] == [["parts"], ["parts"], []]
    assert data[0]["gt_parts"][0].tolist() == [2, 1, 1, 2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (json.dumps(INSTANCES)[:-9], r"no complete JSON \(.*line 1 column"),
        ("", "no complete JSON"),
        ("[" * 100_000, "no complete JSON"),
        ("[]", r"expected an object \{…\}, got a list"),
        (dict(images=[]), "the categories: it has no 'categories', only 'images'"),
        (changed(INSTANCES, "images", to=[]), "lists no image"),
        (changed(INSTANCES, "images", 1, "id", to=5), "image 5: there are two of id 5"),
        (changed(INSTANCES, "images", 1, "width", to=10**8), "image 6: it announces 100000000 x 3"),
        (changed(INSTANCES, "images", 1, "width", to=None), "image 6: its height 3 and width None"),
        (changed(INSTANCES, "categories", 1, "name", to="cat"), "two of id 18 or name 'cat'"),
        (changed(INSTANCES, "categories", 1, "id", to=1), "two of id 1 or name 'dog'"),
        (changed(INSTANCES, "categories", 1, "name", to="cow"), "annotation 1: the category 'cow'"),
        (changed(INSTANCES, "annotations", 1, "image_id", to=9), "annotation 2: its image_id 9 is"),
        (changed(INSTANCES, "annotations", 1, to=7), r"annotations\[1\] is a number"),
        (changed(INSTANCES, "annotations", 1, "category_id", to=2), "2: its category_id 2 is not"),
        (
            changed(INSTANCES, "annotations", 0, "segmentation", to=[]),
            "1: it has no `segmentation`",
        ),
        (
            changed(INSTANCES, "annotations", 0, "segmentation", to=[[0, 0, 90, 0, 1, 1]]),
            r"annotation 1: the point \[90.0, 0.0\] is outside of the image of 4 x 3 pixels",
        ),
        (
            changed(INSTANCES, "annotations", 1, "segmentation", "size", to=[4, 3]),
            r"annotation 2: its mask is of the size \[4, 3\], the image of \[3, 4\]",
        ),
    ],
)
def test_a_broken_file_is_named_when_it_is_found(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(BrokenFile, match=f"{tmp_path}/all.json.*{words}"):
        find(tmp_path, content)


def test_a_broken_mask_is_named_when_it_is_loaded(tmp_path: Path) -> None:
    target = CocoLabelMap(CLASSES, "all.json")
    content = changed(INSTANCES, "annotations", 1, "segmentation", "counts", to=[0, 8])
    with pytest.raises(
        BrokenFile, match=r"all.json: .*2 run lengths add up to 8, not to the 3 x 4"
    ):
        target.load(find(tmp_path, content)["a"])
    large = changed(INSTANCES, "images", 0, to=dict(id=5, file_name="a", height=9000, width=9000))
    mask = dict(size=[9000, 9000], counts=[81_000_000])
    large["annotations"] = [dict(id=1, image_id=5, category_id=1, segmentation=mask)] * 70
    with pytest.raises(BrokenFile, match="its 70 shapes have more outlines and masks than people"):
        target.load(find(tmp_path, large)["a"])


def test_wrong_settings() -> None:
    with pytest.raises(ValueError, match=r"CocoLabelMap: background='background', .* none of the"):
        CocoLabelMap(["cat"], "x.json")
    with pytest.raises(ValueError, match=r"values\['cat'\]='cow' is none of the classes"):
        CocoLabelMap(CLASSES, "x.json", values=dict(cat="cow"))
    with pytest.raises(ValueError, match="unlisted='drop', give"):
        CocoLabelMap(CLASSES, "x.json", unlisted="drop")


def panoptic(folder: Path, content: dict = PANOPTIC) -> CocoPanopticLabelMap:
    (folder / "all.json").write_text(json.dumps(content))
    # 259 = 3 + 256, 131072 = 2 x 65536
    colours = np.array([[[3, 1, 0], [0, 0, 2], [0, 0, 0]]], np.uint8)
    write(folder / "png/a.png", colours)
    return CocoPanopticLabelMap(CLASSES, "all.json", "png")


def test_panoptic_segments_have_the_class_of_their_category(tmp_path: Path) -> None:
    target = panoptic(tmp_path)
    found = target.find(tmp_path, ["a", "b"])
    assert list(found) == ["a"]
    assert target.load(found["a"]).tolist() == [[1, 2, 255]]
    filled = CocoPanopticLabelMap(CLASSES, "all.json", "png", background="background")
    assert filled.load(found["a"]).tolist() == [[1, 2, 0]]
    missing = f"{tmp_path}/no, which does not exist"
    assert CocoPanopticLabelMap(CLASSES, "all.json", "no").where(tmp_path, "a") == missing


@pytest.mark.parametrize(
    ("path", "to", "words"),
    [
        (("annotations", 0, "file_name"), "../a.png", r"file_name '../a.png' leads out"),
        (("annotations", 0, "image_id"), 7, "its image_id 7 is not in the file"),
        (("annotations", 0, "segments_info", 0, "id"), 131072, "has the segment 131072 twice"),
        (("annotations", 0, "segments_info", 0, "id"), 7, r"259 \(row 0, column 0\) is not in all"),
    ],
)
def test_broken_panoptic_files(tmp_path: Path, path: tuple, to: Any, words: str) -> None:
    target = panoptic(tmp_path, changed(PANOPTIC, *path, to=to))
    with pytest.raises(BrokenFile, match=words):
        target.load(target.find(tmp_path, ["a"])["a"])


def test_a_grey_png_is_not_panoptic(tmp_path: Path) -> None:
    target = panoptic(tmp_path)
    write(tmp_path / "png/a.png", np.zeros((1, 3), np.uint8))
    with pytest.raises(BrokenFile, match=r"a.png: segments are colours .* shape \(1, 3\)"):
        target.load(target.find(tmp_path, ["a"])["a"])
