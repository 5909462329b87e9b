"""Split files as others write them: read where they mean one thing, else shown as read."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmengine.logging import MMLogger

from mtlplugins.datasets import DepthMap, MultiTaskDataset
from tests._data import make_image, write, write_split

TARGETS = dict(
    depth=dict(type="DepthMap", folder="", suffix=".png"),
    parts=dict(type="LabelMap", folder="labels", suffix="_l.png", classes=["sky", "sea"]),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three images in two rooms, with depth of another name beside them; labels of two."""
    root = tmp_path / "data/mine"
    for number, name in enumerate(("bath/rgb_1", "bath/rgb_2", "hall/rgb 3")):
        write(root / f"{name}.jpg", make_image(number))
        depth = np.full((24, 32), 1000 * (number + 1), np.uint16)
        write(root / f"{name.replace('rgb', 'sync_depth')}.png", depth)
    for number, name in enumerate(("x_l", "y_l")):
        write(root / f"labels/{name}.png", np.full((24, 32), number, np.uint8))
    return root


def build(root: Path, lines: list[str], **settings: Any) -> MultiTaskDataset:
    write_split(root / "train.txt", lines)
    config = dict(targets=TARGETS, image=dict(folder="", suffix=".jpg"), tasks=["depth"])
    return MultiTaskDataset(str(root), ann_file="train.txt", **(config | settings))


def depths(data: MultiTaskDataset) -> dict[str, int | None]:
    """The depth of each image in metres, as it is in the middle."""
    depth = data.target_types["depth"]
    sources = [data.get_data_info(i)["target_sources"] for i in range(len(data))]
    names = [data.get_data_info(i)["name"] for i in range(len(data))]
    found = [
        round(float(depth.load(s["depth"])[12, 16])) if "depth" in s else None for s in sources
    ]
    return dict(zip(names, found, strict=True))


PAIR = "bath/rgb_{0}.jpg bath/sync_depth_{0}.png"


@pytest.mark.parametrize(
    "lines",
    [
        [PAIR.format(1), PAIR.format(2)],
        [f"{PAIR.format(n)} 518.8579" for n in (1, 2)],
        [f"/{PAIR.format(n)} 518.8579".replace(" b", " /b") for n in (1, 2)],
        [PAIR.format(n).replace(" ", ",") for n in (1, 2)],
        [PAIR.format(n).replace(" ", "; ") for n in (1, 2)],
        [PAIR.format(n).replace(" ", "\t") for n in (1, 2)],
        ["image,depth", *('"' + PAIR.format(n).replace(" ", '","') + '"' for n in (1, 2))],
        ["image focal depth", *(PAIR.format(n).replace(" ", " 518.8 ") for n in (1, 2))],
        [PAIR.format(n).replace(" ", " 518.8" * 60 + " ") for n in (1, 2)],
        ["# image depth", "", PAIR.format(1), "#" + PAIR.format(3), PAIR.format(2)],
        [f"./{PAIR.format(n)}".replace("/", "\\") for n in (1, 2)],
        [f"data/mine/{PAIR.format(n)}".replace(" ", " data/mine/") for n in (1, 2)],
    ],
)
def test_pairs(root: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent.parent)
    expected = {"bath/rgb_1": 1, "bath/rgb_2": 2}
    assert depths(build(Path("data/mine"), lines)) == expected
    assert depths(build(root, [line.replace("data/mine", str(root)) for line in lines])) == expected


def test_names_with_blanks_are_no_columns(root: Path) -> None:
    lines = ["hall/rgb 3", "bath/rgb_1.jpg"]
    data = build(root, lines, targets=dict(depth=dict(type="DepthMap")), tasks=[])
    assert [data.get_data_info(i)["name"] for i in (0, 1)] == ["hall/rgb 3", "bath/rgb_1"]
    assert depths(build(root, ["hall/rgb 3.jpg,hall/sync_depth 3.png"])) == {"hall/rgb 3": 3}


def test_what_is_not_listed_is_not_there(root: Path) -> None:
    write(root / "bath/rgb_1.png", np.full((24, 32), 9000, np.uint16))  # by name, but not listed
    lines = ["bath/rgb_1.jpg None 518.8", "bath/rgb_2.jpg bath/sync_depth_2.png 518.8"]
    assert depths(build(root, lines)) == {"bath/rgb_1": None, "bath/rgb_2": 2}


def test_columns_of_several_targets(root: Path) -> None:
    """In any order, as folder and suffix say which is which; also of a task that is not loaded."""
    lines = ["bath/rgb_1.jpg labels/x_l.png bath/sync_depth_1.png"]
    lines += ["bath/rgb_2.jpg y_l.png bath/sync_depth_2.png"]
    data = build(root, lines, tasks=None)
    found = [data.get_data_info(i)["target_sources"] for i in (0, 1)]
    assert [Path(s["parts"]).name for s in found] == ["x_l.png", "y_l.png"]
    assert depths(data) == {"bath/rgb_1": 1, "bath/rgb_2": 2}
    assert depths(build(root, lines)) == depths(data)


def test_the_log_says_how_lines_were_read(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO, logger=logger.name):
        build(root, [f"{PAIR.format(n)} 518.8579 bath" for n in (1, 2)])
    logger.removeHandler(caplog.handler)
    assert (
        "train.txt: columns of the lines: image, depth, not read, such as '518.8579', not read, "
        "such as 'bath'"
    ) in caplog.text


@pytest.mark.parametrize("prefix", ["", "photos/", "./photos/", "{root}/photos/", "/photos/"])
@pytest.mark.parametrize("suffix", ["", ".jpg"])
def test_paths_below_the_root(root: Path, prefix: str, suffix: str) -> None:
    for name in ("a", "trip/b"):
        write(root / f"photos/{name}.jpg", make_image(1))
    lines = [prefix.format(root=root) + name + suffix for name in ("trip/b", "a")]
    data = build(root, lines, image=dict(folder="photos", suffix=".jpg"), tasks=[])
    infos = [data.get_data_info(i) for i in (0, 1)]
    assert [info["name"] for info in infos] == ["trip/b", "a"]
    assert [info["img_path"] for info in infos] == [
        f"{root}/photos/{n}.jpg" for n in ("trip/b", "a")
    ]


def test_absolute_paths_through_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    lines = [f"{tmp_path}/link/bath/rgb_1.jpg", f"{root}/bath/rgb_2.jpg"]
    data = build(tmp_path / "link", lines, tasks=[])
    assert [data.get_data_info(i)["name"] for i in (0, 1)] == ["bath/rgb_1", "bath/rgb_2"]


@pytest.mark.parametrize(
    "line",
    ["{out}/a.jpg", "{out}/a.jpg x.png", "../out/a.jpg", "{root}/../out/a.jpg", "..\\out\\a"],
)
def test_nothing_outside_is_read(root: Path, line: str) -> None:
    write(root.parent / "out/a.jpg", make_image(1))
    line = line.format(root=root, out=root.parent / "out")
    with pytest.raises(
        ValueError, match=r"train\.txt lists .* leads out of the data set's folder .*"
    ):
        build(root, ["bath/rgb_1", line])


def test_no_target_outside_is_read(root: Path) -> None:
    outside = write(root.parent / "out/a.png", np.ones((24, 32), np.uint16))
    for word in (str(outside), "../out/a.png", "bath/../../out/a.png"):
        with pytest.raises(FileNotFoundError, match=r"is missing or no file of a target"):
            build(root, [f"bath/rgb_1.jpg {word}"])


@pytest.mark.parametrize(
    ("lines", "settings", "message"),
    [
        (
            ["bath/rgb_1.jpg bath/sync_depth_7.png 518.8"],
            {},
            r"'bath/rgb_1\.jpg bath/sync_depth_7\.png 518\.8', read as an image and 2 words: "
            r"'bath/sync_depth_7\.png' is missing or no file of a target \(depth: .* with suffix "
            r"\.png; parts: .*/labels with suffix _l\.png\); correct the line .* write None",
        ),
        (
            ["image depth", "bath/rgb_1.jpg labels/y"],
            {},
            r"'labels/y' is missing or no file of a target \(depth: .*\.png\); correct the line",
        ),
        (
            ["bath/rgb_1.jpg bath/sync_depth_1.png bath/sync_depth_2.png"],
            {},
            r"several words are files of 'depth'; name the columns in the first line",
        ),
        (
            ["bath/rgb_9.jpg bath/sync_depth_1.png", "bath/rgb_1"],
            {},
            r"1 of 2 images listed in .*train\.txt are missing, the first is .*/bath/rgb_9\.jpg; "
            r"the line 'bath/rgb_9\.jpg .*' was read as one name, and as 2 words: write one image "
            r"name per line, below .*, and the files of its targets behind it",
        ),
        (
            ["rgb_1 bath/sync_depth_1.png"],
            dict(image=dict(folder="", suffix=(".jpg", ".jpeg"))),
            r"the first is .*/rgb_1\.jpg; the line",
        ),
    ],
)
def test_what_is_unclear_is_shown(
    root: Path, lines: list[str], settings: dict, message: str
) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        build(root, lines, **settings)


def test_a_word_that_two_targets_may_have(root: Path) -> None:
    for folder in ("one", "two"):
        write(root / folder / "a.png", np.ones((24, 32), np.uint16))
    targets = {f: dict(type="DepthMap", folder=f) for f in ("one", "two")}
    message = r"'a\.png' may be of 'one' or 'two'; name the columns in the first line by the tasks"
    with pytest.raises(ValueError, match=message):
        build(root, ["bath/rgb_1 a.png"], targets=targets, tasks=None)
    lines = ["image two", "bath/rgb_1 a.png"]
    data = build(root, lines, targets=targets, tasks=["two"])
    assert data.get_data_info(0)["target_sources"] == {"two": str(root / "two/a.png")}


# several suffixes


def test_images_and_targets_of_two_suffixes(root: Path) -> None:
    for file in ("p/a.jpg", "p/b.png", "p/c/d.jpeg"):
        write(root / file, make_image(1))
    for file in ("z/a.png", "z/b.npy"):
        write(root / file, np.full((24, 32), 2000, np.uint16))
    image = dict(folder="p", suffix=(".jpg", ".png", ".jpeg"))
    targets = dict(depth=dict(type="DepthMap", folder="z", suffix=[".png", ".npy"]))
    whole = MultiTaskDataset(str(root), targets, image=image)
    listed = build(root, ["a", "b.png", "p/c/d.jpeg"], image=image, targets=targets)
    for data in (whole, listed):
        infos = [data.get_data_info(i) for i in range(3)]
        assert [info["name"] for info in infos] == ["a", "b", "c/d"]
        assert [Path(i["img_path"]).name for i in infos] == ["a.jpg", "b.png", "d.jpeg"]
        assert depths(data) == {"a": 2, "b": 2, "c/d": None}


def test_two_images_of_one_name(root: Path) -> None:
    for file in ("p/a.jpg", "p/a.png"):
        write(root / file, make_image(1))
    image = dict(folder="p", suffix=(".jpg", ".png"))
    message = r"p has both a\.jpg and a\.png, which have one name, 'a': rename one of them"
    with pytest.raises(ValueError, match=message):
        build(root, ["a"], image=image, tasks=[])
    with pytest.raises(ValueError, match=message):
        MultiTaskDataset(str(root), {}, image=image)
    data = build(root, ["p/a.png"], image=image, tasks=[])
    assert data.get_data_info(0)["img_path"] == str(root / "p/a.png")


def test_another_suffix_is_pointed_at(root: Path) -> None:
    write(root / "bath/q.png", make_image(1))
    message = r"bath/q\.jpg \(there is q\.png\); to read both suffixes, give image\.suffix=\('\.jpg"
    with pytest.raises(FileNotFoundError, match=message):
        build(root, ["bath/rgb_1", "bath/q"], tasks=[])


@pytest.mark.parametrize("key", ["data_root", "ann_file"])
def test_several_roots_are_several_data_sets(root: Path, key: str) -> None:
    settings = dict(data_root=str(root), targets=TARGETS) | {key: ["a", "b"]}
    with pytest.raises(ValueError, match=rf"{key}=\['a', 'b'\]: give one path.*'ConcatDataset'"):
        MultiTaskDataset(**settings)


def test_a_split_file_from_the_working_directory(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent.parent)
    write_split(root / "lists/a.txt", ["bath/rgb_1"])
    message = r"there is data/mine/lists/a\.txt: give ann_file below data_root, 'lists/a\.txt'"
    with pytest.raises(FileNotFoundError, match=message):
        MultiTaskDataset("data/mine", {}, ann_file="data/mine/lists/a.txt")


@pytest.mark.parametrize(
    "wrong", [dict(suffix=None), dict(suffix=[".jpg", 3]), dict(folder=["a", "b"])]
)
def test_folder_and_suffix_are_text(root: Path, wrong: dict) -> None:
    with pytest.raises(ValueError, match="give its folder and its suffix, or a tuple of suffixes"):
        MultiTaskDataset(str(root), {}, image=dict(folder="", suffix=".jpg") | wrong)
    with pytest.raises(ValueError, match=r"DepthMap: folder=.*: give one folder, and one suffix"):
        DepthMap(**wrong)
