"""What is proposed for folders, against what they were made with."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtlplugins.analysis.folder_proposal import guesses, inspect_folder, propose
from mtlplugins.analysis.folder_proposal.class_names import find_class_names
from mtlplugins.analysis.folder_proposal.survey import split_of, survey
from tests._data import make_image, write

from .folders import FOLDERS

PAIRS = [
    ("images/0001.png", "labels/0001_L.png"),
    ("train/0001.png", "trainannot/0001.png"),
    ("train/0001.png", "train_labels/0001_L.png"),
    ("scene1/color/0.jpg", "scene1/depth/0.png"),
    ("bath/rgb_00045.jpg", "bath/sync_depth_00045.png"),
    ("rgb00045.jpg", "depth00045.png"),
    (
        "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png",
        "gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png",
    ),
]


@pytest.mark.parametrize(("image", "target"), PAIRS)
def test_an_image_and_its_target_have_one_key(tmp_path: Path, image: str, target: str) -> None:
    last = r"\d(?=(_L|_gtFine_labelIds|_leftImg8bit)?\.\w+$)"
    others = [re.sub(last, "8", path) for path in (image, target)]
    for path in (image, target, *others):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    roles = survey(tmp_path)
    assert [len(role.files) for role in roles] == [2, 2]
    keys = [{path: key for key, path in role.files.items()} for role in roles]
    both = keys[0] | keys[1]
    assert both[image] == both[target] != both[others[0]] == both[others[1]]


def test_splits_in_paths() -> None:
    paths = ["train/a.png", "valid/a.png", "trainannot/a.png", "instances_val2017.json", "a/b.png"]
    assert [split_of(path) for path in paths] == ["train", "val", "train", "val", ""]


@pytest.mark.parametrize(
    ("values", "names", "want"),
    [
        ([0, 255], [], dict(values={0: "background", 255: "object"})),
        ([0, 1], ["sky", "sea"], dict(classes=["sky", "sea"])),
        ([0, 1, 2, 255], [], dict(classes=["class0", "class1", "class2"])),
        ([0, 2], ["a", "b", "c"], dict(classes=["a", "b", "c"])),
        ([0, 1, 2], ["a", "b"], dict(classes=["a", "b"], reduce_zero_label=True)),
        ([7, 8, 26], [], dict(values={7: "class7", 8: "class8", 26: "class26"}, unlisted="ignore")),
    ],
)
def test_classes_are_proposed_from_values(values: list, names: list, want: dict) -> None:
    guess = guesses.labels("semantic", dict(folder="x"), Counter(values), names)
    assert guess.target | want == guess.target
    assert guess.head["num_classes"] == len(guess.target["classes"])


def test_classes_are_proposed_from_colours() -> None:
    found = Counter([(0, 0, 0), (1, 2, 3), (9, 9, 9)])
    names = {"Sky": (1, 2, 3), "Sea": (4, 4, 4), "Void": (0, 0, 0)}
    guess = guesses.colours("semantic", {}, found, names)
    assert guess.target["classes"] == ["Sky", "Sea", "#090909"]
    assert guess.target["palette"] == [[1, 2, 3], [4, 4, 4], [9, 9, 9]]
    assert guess.target["ignore_colours"] == [[0, 0, 0]]
    assert "the names of 1 classes are their colours, such as #090909" in guess.unsure[0]


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        ("name,r,g,b\nSky,1,2,3\n", {"Sky": (1, 2, 3)}),
        ("64 128 64\tAnimal\n192 0 128\tRoad Sign\n", {"Animal": (64, 128, 64)}),
        ("wall\nfloor\n", {"wall": None, "floor": None}),
    ],
)
def test_lists_of_classes(tmp_path: Path, lines: str, want: dict) -> None:
    (tmp_path / "labels.csv").write_text("image,label\na.jpg,cat\n")  # names no classes
    assert find_class_names(tmp_path) is None
    (tmp_path / "label_colors.txt").write_text(lines)
    _, found = find_class_names(tmp_path)
    assert want.items() <= found.items()


@pytest.mark.parametrize(
    ("content", "want"),
    [
        (["wall", "floor"], {"wall": None, "floor": None}),
        ({"wall": [120, 0, 0], "floor": [0, 9, 0]}, {"wall": (120, 0, 0), "floor": (0, 9, 0)}),
        ({"10": "floor", "2": "wall"}, {"wall": None, "floor": None}),
        ({"categories": [dict(id=1, name="wall", color=[1, 2, 3])]}, {"wall": (1, 2, 3)}),
        ({"labels": {"a": "kitchen"}}, {"a": None}),
        ([1, 2], None),
        ("wall", None),
    ],
)
def test_lists_of_classes_in_json(tmp_path: Path, content: object, want: dict | None) -> None:
    path = tmp_path / "classes.json"
    path.write_text(json.dumps(content))
    assert find_class_names(tmp_path) == (want and (path, want))
    path.write_text("{" * 9000)
    assert find_class_names(tmp_path) is None


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_list_of_the_class_of_each_image(tmp_path: Path, form: str) -> None:
    classes = {f"{number}": ("bath", "kitchen")[number % 2] for number in range(6)}
    for name in classes:
        write(tmp_path / f"photos/{name}.jpg", make_image(int(name)))
    (tmp_path / "notes.csv").write_text("a,b,c\nd\n")  # another kind of list
    if form == "csv":
        lines = ["image,room", *(f"{name}.jpg,{room}" for name, room in classes.items())]
        (tmp_path / "rooms.csv").write_text("\n".join(lines))
    else:
        rooms = dict(classes=["bath", "hall", "kitchen"], labels=classes)
        (tmp_path / "rooms.json").write_text(json.dumps(rooms))
    guess = inspect_folder(tmp_path, tmp_path / "new/mine.py").guesses["scene"]
    assert guess.target["file"] == f"rooms.{form}"
    assert guess.target["classes"] == ["bath", *["hall"] * (form == "json"), "kitchen"]
    assert guess.unsure == ["no image has the class hall"] * (form == "json")
    report = (tmp_path / "new/mine/report.txt").read_text()
    assert "scene: 4 images, 100.0%" in report or "scene: 5 images, 100.0%" in report


@pytest.mark.parametrize(
    ("stored", "unit"),
    [
        (np.full((48, 64), 2500, np.uint16), 0.001),
        (np.full((37, 122), 3000, np.uint16), 1 / 256),
        (np.full((48, 64), 2.5, np.float32), 1.0),
        (np.full((48, 64), 2500, np.float32), 0.001),
    ],
)
def test_units_of_depth(tmp_path: Path, stored: np.ndarray, unit: float) -> None:
    stored[0] = 0
    suffix = ".npy" if stored.dtype.kind == "f" else ".png"
    guess = guesses.depth("depth", {}, [write(tmp_path / f"a{suffix}", stored)])
    assert guess.target["unit"] == unit
    metres = float(stored.max()) * unit
    assert guess.head["min_depth"] < metres < guess.head["max_depth"] < 1.3 * metres
    assert "unit is taken for" in guess.unsure[0]


def test_missing_depth_and_axes_of_normals(tmp_path: Path) -> None:
    depth = np.full((48, 64), 2000, np.uint16)
    depth[0] = 65535
    guess = guesses.depth("depth", {}, [write(tmp_path / "a.png", depth)])
    assert guess.target["missing"] == (0, 65535)
    up = np.full((8, 8, 3), (128, 230, 204), np.uint8)  # 127.5 n + 127.5 of (0, 0.8, 0.6)
    guess = guesses.normals("normals", {}, [write(tmp_path / "n.png", up)])
    assert guess.target == dict(type="NormalMap", encoding="127.5", signs=(1, -1, -1))


def test_what_each_file_is_for_is_said(tmp_path: Path) -> None:
    found = propose(FOLDERS["voc"](tmp_path))
    assert list(found.guesses) == ["semantic"]
    assert any("SegmentationObject/*.png (10 files): not used" in note for note in found.notes)
    assert [len(part.names) for part in found.parts.values()] == [7, 3]  # of ImageSets
    assert found.unsure == []


def test_jpeg_labels_are_not_used(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"images/{number}.jpg", make_image(number))
        write(tmp_path / f"masks/{number}.jpg", make_image(number))
    message = r"images, images/\*.jpg .* and no targets: .*masks/\*.jpg .*JPEG does not keep exact"
    with pytest.raises(ValueError, match=message):
        propose(tmp_path)


def test_folders_may_be_classes(tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path / f"photos/{('cat', 'dog')[number % 2]}/{number}.jpg", make_image(number))
    found = propose(tmp_path)
    assert found.guesses["scene"].target == dict(
        type="ImageLabel", file="photos", classes=["cat", "dog"]
    )
    assert "the folders are taken for classes" in found.guesses["scene"].unsure[0]


def test_classes_in_folders_of_each_split(tmp_path: Path) -> None:
    for number, folder in enumerate(("train/cat", "train/dog", "test/cat")):
        write(tmp_path / f"{folder}/{number}.jpg", make_image(number))
    parts = inspect_folder(tmp_path, tmp_path / "new/mine.py").parts
    targets = {split: part.guesses["scene"].target for split, part in parts.items()}
    assert {split: target["file"] for split, target in targets.items()} == dict(
        train="train", val="test"
    )
    assert targets["val"]["classes"] == ["cat", "dog"]
    report = (tmp_path / "new/mine/report.txt").read_text()
    assert "scene: 2 images, 100.0%" in report
    assert "scene: 1 images, 100.0%" in report


def test_several_tasks_in_sister_folders(tmp_path: Path) -> None:
    for number in range(6):
        scene = tmp_path / f"scene{number % 2}"
        write(scene / f"color/{number}.jpg", make_image(number))
        write(scene / f"depth/{number}.png", np.full((12, 16), 2000 + number, np.uint16))
        write(scene / f"labels/{number}.png", np.full((24, 32), number % 3, np.uint8))
    found = inspect_folder(tmp_path, tmp_path / "new/mine.py")
    assert {task: guess.target["type"] for task, guess in found.guesses.items()} == dict(
        semantic="LabelMap", depth="DepthMap"
    )
    lines = (tmp_path / "new/mine/train.txt").read_text().splitlines()
    assert lines[0].split("\t") == ["image", "semantic", "depth"]
    assert lines[1].split("\t") == [
        "scene0/color/0.jpg",
        "scene0/labels/0.png",
        "scene0/depth/0.png",
    ]
    report = (tmp_path / "new/mine/report.txt").read_text()
    assert "depth: 5 images, 100.0%" in report


def test_annotation_files_of_other_tools(tmp_path: Path) -> None:
    shape = dict(label="cat", points=[[0, 0], [9, 0], [9, 9]])
    for number in range(2):
        write(tmp_path / f"me/{number}.jpg", make_image(number))
        content = dict(imageHeight=24, imageWidth=32, shapes=[shape])
        (tmp_path / f"me/{number}.json").write_text(json.dumps(content))
        write(tmp_path / f"cvat/images/{number}.jpg", make_image(number))
    found = propose(tmp_path / "me").guesses["semantic"].target
    assert found == dict(type="LabelMeLabelMap", folder="", classes=["background", "cat"])
    image = '<image name="0.jpg" width="32" height="24"><polygon label="dog" points="0,0;9,0;9,9"/>'
    (tmp_path / "cvat/annotations.xml").write_text(f"<annotations>{image}</image></annotations>")
    found = propose(tmp_path / "cvat").guesses["semantic"].target
    classes = ["background", "dog"]
    assert found == dict(type="CvatLabelMap", file="annotations.xml", classes=classes)


@pytest.mark.parametrize("files", ["masks/{class}/{name}.png", "masks/{name}_{class}.png"])
def test_one_mask_for_each_class(tmp_path: Path, files: str) -> None:
    for number in range(3):
        write(tmp_path / f"images/000{number}.jpg", make_image(number))
        for name in ("road", "car")[: 1 + number % 2]:
            path = files.replace("{class}", name).replace("{name}", f"000{number}")
            write(tmp_path / path, np.full((24, 32), 255, np.uint8))
    found = propose(tmp_path).guesses["semantic"].target
    classes = ["background", "car", "road"]
    assert found == dict(type="ClassMasksLabelMap", files=files, classes=classes)


def test_panoptic_files(tmp_path: Path) -> None:
    images, annotations = [], []
    for number in range(2):
        write(tmp_path / f"images/{number}.png", make_image(number))
        write(tmp_path / f"panoptic/{number}.png", np.full((24, 32, 3), (9, 0, 0), np.uint8))
        images.append(dict(id=number, file_name=f"{number}.png", height=24, width=32))
        segments = [dict(id=9, category_id=1)]
        annotations.append(dict(image_id=number, file_name=f"{number}.png", segments_info=segments))
    categories = [dict(id=1, name="sky")]
    content = dict(images=images, annotations=annotations, categories=categories)
    (tmp_path / "panoptic.json").write_text(json.dumps(content))
    inspect_folder(tmp_path, tmp_path / "new/mine.py")
    assert (
        "type='CocoPanopticLabelMap', file='panoptic.json'"
        in (tmp_path / "new/mine.py").read_text()
    )
    report = (tmp_path / "new/mine/report.txt").read_text()
    assert "semantic: 1 images, 100.0%" in report
    assert "sky" in report


def test_a_split_may_have_its_own_annotations(tmp_path: Path) -> None:
    """As COCO itself: two folders, and two files."""
    for number, split in enumerate(("train", "train", "val")):
        write(tmp_path / f"{split}2017/{number}.jpg", make_image(number))
    for split, numbers in dict(train=(0, 1), val=(2,)).items():
        box = [[0, 0, 9, 0, 9, 9]]
        content = dict(
            images=[dict(id=n, file_name=f"{n}.jpg", height=24, width=32) for n in numbers],
            annotations=[dict(id=n, image_id=n, category_id=1, segmentation=box) for n in numbers],
            categories=[dict(id=1, name="cat")],
        )
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / f"annotations/instances_{split}2017.json").write_text(json.dumps(content))
    found = propose(tmp_path)
    for split, part in found.parts.items():
        assert part.guesses["semantic"].target["file"] == f"annotations/instances_{split}2017.json"
        assert part.image["folder"] == f"{split}2017"


def test_bad_places(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder"):
        inspect_folder(tmp_path / "none", tmp_path / "mine.py")
    with pytest.raises(ValueError, match="has no files"):
        inspect_folder(tmp_path, tmp_path / "mine.py")
    (tmp_path / "notes.txt").write_text("a")
    with pytest.raises(ValueError, match="has no images that are read"):
        inspect_folder(tmp_path, tmp_path / "mine.py")
    with pytest.raises(ValueError, match=r"--out .*notes.txt: give the name of a config"):
        inspect_folder(tmp_path, tmp_path / "notes.txt")
    (tmp_path / "mine.py").touch()
    with pytest.raises(FileExistsError, match=r"mine\.py exists: give another --out"):
        inspect_folder(tmp_path, tmp_path / "mine.py")


def test_six_panels_a_report_and_a_split_are_written(tmp_path: Path) -> None:
    found = inspect_folder(FOLDERS["kitti"](tmp_path / "data"), tmp_path / "mine.py")
    written = {path.name for path in (tmp_path / "mine").iterdir()}
    assert written == {"panels.png", "report.txt", "train.txt", "val.txt"}
    with Image.open(tmp_path / "mine/panels.png") as panels:
        assert panels.width > 2 * 300
        assert panels.height > 3 * 200
    assert "0 errors, 0 warnings" in (tmp_path / "mine/report.txt").read_text()
    assert found.guesses["depth"].target["unit"] == 1 / 256
    assert "# unsure: depth: the unit is taken for 1/256 m" in (tmp_path / "mine.py").read_text()
