"""Layouts of folders, lists and images as people have them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mtlplugins.datasets import MultiTaskDataset
from mtlplugins.datasets.transforms import LoadImageChannels, LoadMultiTaskImage
from tests._data import make_image, write

LOADING = [dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")]
DEPTH = dict(depth=dict(type="DepthMap", folder=""))


def build(root: Path, ann_file: str = "", **image: Any) -> MultiTaskDataset:
    image = dict(folder="", suffix=(".jpg", ".png")) | image
    return MultiTaskDataset(str(root), DEPTH, ann_file=ann_file, image=image, pipeline=LOADING)


def depths(data: MultiTaskDataset) -> list[int | None]:
    """Depth of each image in millimetres, None where it has none."""
    return [round(1000 * float(d["gt_depth"].mean())) if "gt_depth" in d else None for d in data]


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Image and depth in sister folders of each scene, the third without depth."""
    for number, name in enumerate(("hall/{}/0", "hall/{}/1", "attic/{}/0")):
        write(tmp_path / f"{name.format('color')}.jpg", make_image(number))
        if number < 2:
            depth = np.full((24, 32), 1000 + number, np.uint16)
            write(tmp_path / f"{name.format('depth')}.png", depth)
    return tmp_path


def renamed(root: Path, ann_file: str, **renames: dict[str, str]) -> MultiTaskDataset:
    image = dict(folder="", suffix=".jpg")
    return MultiTaskDataset(
        str(root), DEPTH, ann_file=ann_file, image=image, renames=renames, pipeline=LOADING
    )


def test_sister_folders_by_other_parts_of_the_name(scenes: Path) -> None:
    assert depths(renamed(scenes, "", depth={"/color/": "/depth/"})) == [None, 1000, 1001]
    with pytest.raises(FileNotFoundError, match="'depth': none of the 3 images has a target"):
        renamed(scenes, "", depth={"/colour/": "/depth/"})
    with pytest.raises(ValueError, match="unknown task 'deep'; this data set has depth"):
        renamed(scenes, "", deep={"/color/": "/depth/"})


def test_lists_of_folders(scenes: Path) -> None:
    write(scenes / "all.jpg", make_image(3))
    (scenes / "some.txt").write_text("# scenes\nhall\nall\n")
    found = renamed(scenes, "some.txt", depth={"/color/": "/depth/"})
    assert [found.get_data_info(i)["name"] for i in range(3)] == [
        "hall/color/0", "hall/color/1", "all"
    ]  # fmt: skip
    for text, words in (
        ("hall\nhall/color/0.jpg\n", "lists 'hall/color/0' 2 times"),
        ("hall/depth\n", "1 of 1 images listed in .* are missing"),
        ("..\n", "leads out of the data set's folder"),
        (".\n", "images listed in .* are missing"),
    ):
        (scenes / "some.txt").write_text(text)
        with pytest.raises((ValueError, FileNotFoundError), match=words):
            renamed(scenes, "some.txt")


ROWS = [
    ("hall/color/0.jpg", "hall/depth/0.png"),
    ("hall/color/1.jpg", "hall/depth/1.png"),
    ("attic/color/0.jpg", None),
]


def test_sister_folders_by_a_table(scenes: Path) -> None:
    lines = ["image,depth", *(f"{image},{depth}" for image, depth in ROWS)]
    (scenes / "all.csv").write_text("\n".join(lines))
    assert depths(build(scenes, "all.csv")) == [1000, 1001, None]


def test_sister_folders_by_json(scenes: Path) -> None:
    records = [dict(image=image, depth=depth, focal=None) for image, depth in ROWS]
    del records[2]["depth"]
    (scenes / "all.json").write_text(json.dumps(records))
    data = build(scenes, "all.json")
    assert depths(data) == [1000, 1001, None]
    assert data[1]["name"] == "hall/color/1"
    (scenes / "names.json").write_text(json.dumps(["0", "1.jpg"]))
    names = MultiTaskDataset(
        str(scenes), {}, ann_file="names.json", image=dict(folder="hall/color", suffix=".jpg")
    )
    assert [names.get_data_info(i)["name"] for i in range(2)] == ["0", "1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["hall/color/0.jpg"', "no complete JSON"),
        ('{"images": []}', "expected a list of images"),
        ("[]", "lists no image"),
        ("[1]", "entry 0, 1, is no image: give its name"),
        ('[{"file": "a.jpg"}]', "entry 0, .*is no image"),
        ('[{"image": "hall/color/0.jpg", "depth": 3}]', "entry 0, .* null for a missing one"),
        ('["hall/color/0.jpg", "hall/color/0"]', "lists 'hall/color/0' 2 times"),
        ('["../x.jpg"]', "leads out of the data set's folder"),
    ],
)
def test_broken_json_lists_are_named(scenes: Path, text: str, words: str) -> None:
    (scenes / "all.json").write_text(text)
    with pytest.raises(ValueError, match=rf"all\.json.*{words}"):
        build(scenes, "all.json")


def test_a_tiff_of_five_channels_is_read_as_an_array_is(tmp_path: Path) -> None:
    # width, height, 5 samples of 8 bits per pixel, chunky, in one strip of 5 bytes
    tags = [(256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (277, 5), (279, 5)]
    content = struct.pack("<2sHI5sx", b"II", 42, 14, b"12345") + struct.pack("<H", len(tags))
    content += b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in tags)
    (tmp_path / "a.tif").write_bytes(content + b"\0" * 4)
    loaded = LoadImageChannels(5)(dict(img_path=str(tmp_path / "a.tif")))["img"]
    assert loaded.tolist() == [[[float(each) for each in b"12345"]]]
    np.save(tmp_path / "a.npy", np.arange(10).reshape(1, 2, 5))
    loaded = LoadImageChannels(5)(dict(img_path=str(tmp_path / "a.npy")))["img"]
    np.testing.assert_array_equal(loaded, np.arange(10, dtype=np.float32).reshape(1, 2, 5))


@pytest.mark.parametrize(
    ("mode", "suffix", "said"),
    [
        ("L", ".jpg", "grey: they are loaded as three equal channels"),
        ("RGBA", ".png", "RGB with alpha: it is dropped"),
        ("CMYK", ".jpg", "CMYK: they are converted to RGB"),
        ("P", ".png", "indices into a palette: they are loaded in its colours"),
        ("RGB", ".jpg", ""),
    ],
)
def test_images_that_are_not_rgb(
    tmp_path: Path, mode: str, suffix: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    log = "mtlplugins.datasets.reading.image_modes.print_log"
    monkeypatch.setattr(log, lambda message, **_: heard.append(message))
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (32, 24), (204, 51, 102)).convert(mode).save(tmp_path / f"photos/a{suffix}")
    image = dict(folder="photos", suffix=suffix)
    MultiTaskDataset(str(tmp_path), {}, image=image)
    assert heard == []  # nothing of ours loads the images
    data = MultiTaskDataset(str(tmp_path), {}, image=image, pipeline=LOADING)
    loaded = LoadMultiTaskImage()(dict(img_path=data.get_data_info(0)["img_path"]))["img"]
    grey = round(0.299 * 204 + 0.587 * 51 + 0.114 * 102)
    want = (grey, grey, grey) if mode == "L" else (102, 51, 204)
    np.testing.assert_allclose(loaded[12, 16], want, atol=4)
    assert [message.endswith(said) for message in heard] == ([True] if said else [])
