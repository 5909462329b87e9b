"""Each kind of damage is found, named and counted, and nothing else is."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

import mtlplugins  # noqa: F401
from mtlplugins.analysis.data_check import as_json, as_text, check_config, write_worst_images
from tests._data import make_image, make_nyuv2, write

FRAMES = 8
TEST = (2, 6)


def config(root: Path, **wrapped: dict) -> Config:
    def loader(file: str) -> dict:
        return dict(
            dataset=dict(
                type="NYUv2Dataset",
                data_root=str(root),
                ann_file=f"splits/{file}.txt",
                tasks=("semantic", "depth", "normals", "scene"),
            )
        )

    loaders = dict(train_dataloader=loader("train"), val_dataloader=loader("test"))
    return Config(loaders | dict(test_dataloader=loader("test")) | wrapped)


def check(cfg: Config, *, workers: int = 0) -> dict:
    return as_json(check_config(cfg, workers=workers, progress=False))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_nyuv2(tmp_path / "nyuv2", frames=FRAMES, test=TEST)


def problems(report: dict) -> list[tuple]:
    return [(p["severity"], p["kind"], p["split"]) for p in report["problems"]]


def test_nothing_is_resident(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = config(root)
    inner = dict(cfg.train_dataloader.dataset, resident=True)
    cfg.train_dataloader.dataset = dict(type="RepeatDataset", times=2, dataset=inner)
    monkeypatch.setattr("mtlplugins.datasets.multitask.MemoryCache", None)
    assert check(cfg)["errors"] == 0
    assert cfg.train_dataloader.dataset.dataset.resident is True


def test_whole_data_are_counted(root: Path) -> None:
    report = check(config(root))
    assert (report["errors"], report["warnings"], report["problems"]) == (0, 0, [])
    train, test = report["splits"]
    assert (train["name"], train["images"]) == ("train", 6)
    assert (test["name"], test["images"], test["data_sets"]) == ("val/test", 2, ["NYUv2Dataset"])
    # the first of 24 rows of depth and normals is missing
    assert train["targets"]["depth"]["elements"] == 6 * 24 * 32
    assert train["targets"]["depth"]["valid"] == 6 * 23 * 32
    depth = test["targets"]["depth"]["histogram"]
    assert {name: count for name, count in depth.items() if count} == {
        "2 to 3 m": 23 * 32,  # frame 2 has depths of 2.001 to 2.023 m
        "6 to 8 m": 23 * 32,
    }
    normals = test["targets"]["normals"]["histogram"]
    assert normals["the camera"] == test["targets"]["normals"]["valid"] == 2 * 23 * 32
    scenes = test["targets"]["scene"]["histogram"]
    assert scenes["bedroom"] == sum(scenes.values()) == 2
    labels = np.bincount([(n + column) % 14 for n in TEST for column in range(32)]) * 24
    assert list(test["targets"]["semantic"]["histogram"].values()) == labels.tolist()


def empty(root: Path) -> None:
    (root / "image" / "0003.jpg").write_bytes(b"")


def truncated(root: Path) -> None:
    path = root / "semantic13" / "0003.png"
    path.write_bytes(path.read_bytes()[:-40])


def other_size(root: Path) -> None:
    write(root / "depth" / "0003.png", np.ones((24, 31), np.uint16))


def no_class(root: Path) -> None:
    write(root / "semantic13" / "0003.png", np.full((24, 32), 14, np.uint8))


def eight_bits(root: Path) -> None:
    write(root / "depth" / "0003.png", np.ones((24, 32), np.uint8))


def all_missing(root: Path) -> None:
    write(root / "depth" / "0003.png", np.zeros((24, 32), np.uint16))


def no_normals(root: Path) -> None:
    write(root / "normals" / "0003.png", np.full((24, 32, 3), 9, np.uint8))


def turned(root: Path) -> None:
    image = Image.fromarray(make_image(3))
    exif = image.getexif()
    exif[0x0112] = 3
    image.save(root / "image" / "0003.jpg", exif=exif)


def listed_in_both(root: Path) -> None:
    with (root / "splits" / "train.txt").open("a") as file:
        file.write("0006\n")


def copied_to_test(root: Path) -> None:
    shutil.copy(root / "image" / "0003.jpg", root / "image" / "0006.jpg")


def copied_within(root: Path) -> None:
    shutil.copy(root / "image" / "0003.jpg", root / "image" / "0004.jpg")


def gone(root: Path) -> None:
    (root / "image" / "0003.jpg").unlink()


def listed_twice(root: Path) -> None:
    with (root / "splits" / "train.txt").open("a") as file:
        file.write("0003\n")


def bad_scene(root: Path) -> None:
    (root / "scenes.json").write_text('{"classes": [], "labels": {"0003": "moon"}}')


@pytest.mark.parametrize(
    ("damage", "kind", "words"),
    [
        (empty, "image", "0003.jpg cannot be read (it is empty)"),
        (truncated, "target of semantic", "semantic13/0003.png: cannot be read ("),
        (other_size, "target of depth", "0003.png is 31 x 24 pixels, its image"),
        (no_class, "target of semantic", "0003.png: label 14 is none of the 14 classes"),
        (eight_bits, "target of depth", "0003.png: depth must have one channel of 16-bit"),
        (all_missing, "target of depth", "depth/0003.png is missing or ignored"),
        (no_normals, "target of normals", "0003.png: normals must have length 1"),
        (turned, "orientation", "0003.jpg is turned on loading"),
        (listed_in_both, "same file", "0006.jpg is an image of both: leaks between train and val"),
        (copied_to_test, "same content", "0006.jpg has the pixels of "),
        (gone, "data set", "1 of 6 images listed in"),
        (listed_twice, "data set", "lists '0003' 2 times"),
        (bad_scene, "data set", "'0003' has class 'moon', none of"),
    ],
)
def test_damage_is_an_error(root: Path, damage, kind: str, words: str) -> None:
    damage(root)
    report = check(config(root))
    found = [p for p in report["problems"] if p["kind"] == kind]
    assert found
    assert words in found[0]["message"]
    assert {p["severity"] for p in report["problems"]} == {"error"}
    assert report["errors"] == len(report["problems"])
    assert {p["kind"] for p in report["problems"]} == {kind}
    if kind != "data set":  # which stops both splits for what they share
        assert len(found) == 1


def test_photographs_are_decoded_whole_whatever_training_does(root: Path) -> None:
    path = root / "image" / "0003.jpg"
    path.write_bytes(path.read_bytes()[:-40])
    cfg = config(root)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.pipeline = [dict(type="OpenMultiTaskImage")]
    (problem,) = check(cfg)["problems"]
    assert problem["kind"] == "image"
    assert "0003.jpg cannot be read (" in problem["message"]


def test_the_same_image_twice_in_a_split_is_a_warning(root: Path) -> None:
    copied_within(root)
    report = check(config(root))
    assert problems(report) == [("warning", "same content", "train")]
    assert "0004.jpg has the pixels of" in report["problems"][0]["message"]
    assert (report["errors"], report["warnings"]) == (0, 1)


def test_a_broken_target_hides_no_other(root: Path) -> None:
    for damage in (empty, no_class, all_missing):
        damage(root)
    kinds = [kind for _, kind, _ in problems(check(config(root)))]
    assert sorted(kinds) == ["image", "target of depth", "target of semantic"]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_find_the_same(root: Path, workers: int) -> None:
    for damage in (empty, no_class, copied_to_test):
        damage(root)
    assert check(config(root), workers=workers) == check(config(root))


SLOW = """
import os, sys, time
from pathlib import Path
from mmengine.config import Config
import mtlplugins.analysis.data_check.run as run

def check_images(*args, **kwargs):
    Path(sys.argv[2], str(os.getpid())).touch()
    time.sleep(120)

run.check_images = check_images
run.check_config(Config.fromfile(sys.argv[1]), workers=2, progress=False)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_a_check_that_is_killed(root: Path, tmp_path: Path, number: int) -> None:
    config(root).dump(tmp_path / "config.py")
    (tmp_path / "workers").mkdir()
    command = [sys.executable, "-c", SLOW, str(tmp_path / "config.py"), str(tmp_path / "workers")]
    check = subprocess.Popen(command)
    try:
        wait_for(lambda: len(list((tmp_path / "workers").iterdir())) == 2)
    finally:
        check.send_signal(number)
    assert check.wait(30) == -number
    workers = [int(path.name) for path in (tmp_path / "workers").iterdir()]
    wait_for(lambda: not any(map(running, workers)))


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def running(pid: int) -> bool:
    """Whether there is such a process that has not ended, waited for or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_depth_of_another_unit_is_an_error(root: Path) -> None:
    cfg = config(root, model=dict(heads=dict(depth=dict(min_depth=0.5, max_depth=3))))
    report = check(cfg)
    # train has 5 of 6 images above 3 m: 1 in 6 may be right
    assert problems(report) == []
    cfg.model.heads.depth.max_depth = 1.001
    report = check(cfg)
    assert problems(report) == [
        ("error", "range of depth", "train"),
        ("error", "range of depth", "val/test"),
    ]
    inside = 1 / (6 * 23)  # a row of frame 1, of 1.001 m
    assert report["problems"][0]["message"] == (
        f"task 'depth': {1 - inside:.1%} of its values lie outside of 0.5 to 1.001 m with "
        "unit=0.001: correct the data set's unit, the metres per step of the files, or min_depth "
        "and max_depth of the head"
    )
    assert check(cfg, workers=2) == report
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.tasks = ("semantic",)
    assert problems(check(cfg)) == []


def test_wrapped_data_sets_are_looked_into(root: Path) -> None:
    empty(root)
    plain = config(root).train_dataloader.dataset
    rooms = dict(type="RoomsDataset", length=3, size=(16, 24), tasks=("depth",))
    wrapped = dict(
        type="MixedDataset",
        datasets=[dict(type="OneTaskDataset", dataset=plain), rooms],
        ratios=(2, 1),
    )
    cfg = config(root, train_dataloader=dict(dataset=wrapped))
    report = check(cfg)
    train = report["splits"][0]
    assert train["data_sets"] == ["NYUv2Dataset", "RoomsDataset"]
    assert train["images"] == 6 + 3
    assert train["targets"]["depth"]["images"] == 6 + 3  # also that of the broken image
    assert problems(report) == [("error", "image", "train")]


def test_other_data_sets_are_named(root: Path) -> None:
    report = check(config(root, val_dataloader=dict(dataset=dict(type="NoSuchDataset"))))
    assert problems(report) == [("error", "data set", "val")]
    assert "NoSuchDataset" in report["problems"][0]["message"]
    assert [split["name"] for split in report["splits"]] == ["train", "test"]


def test_reports_and_images(root: Path, tmp_path: Path) -> None:
    for damage in (empty, no_class):
        damage(root)
    write(root / "depth" / "0005.png", np.pad(np.ones((1, 32), np.uint16), ((0, 23), (0, 0))))
    found = check_config(config(root), workers=0, progress=False)
    text = as_text(found)
    assert "ERROR: image: 1\n  [train] image " in text
    assert text.endswith("2 errors, 0 warnings\n")
    assert "bedroom" in text
    json.dumps(as_json(found))
    paths = write_worst_images(found, tmp_path / "images")
    # the image is the same as the wrong labels'; then the emptiest targets, 23 rows before one
    assert [path.name for path in paths[:2]] == ["01_0003.png", "02_0005.png"]
    assert len(paths) == 8
    for path in paths:
        with Image.open(path) as image:
            assert min(image.size) > 200


def test_names_from_the_data_lead_nowhere(root: Path, tmp_path: Path) -> None:
    """Neither out of the folder, nor into the terminal's controls."""
    odd = "..\x1b[2J;rm"
    (root / "image" / "0003.jpg").rename(root / "image" / f"{odd}.jpg")
    (root / "image" / f"{odd}.jpg").write_bytes(b"")
    (root / "splits" / "train.txt").write_text(f"{odd}\n0001\n")
    for folder in ("depth", "semantic13", "normals"):
        (root / folder / "0003.png").rename(root / folder / f"{odd}.png")
    found = check_config(config(root), workers=0, progress=False)
    assert "\x1b" not in as_text(found)
    paths = write_worst_images(found, tmp_path / "images")
    assert sorted((tmp_path / "images").iterdir()) == sorted(paths)
    assert "____2J_rm.png" in {path.name[3:] for path in paths}


def test_classes_that_training_data_lack_are_an_error(root: Path) -> None:
    for path in (root / "semantic13").iterdir():
        labels = np.array(Image.open(path))
        write(path, np.where(labels == 3, 0, labels))
    report = check(config(root))
    # the test data lack it too, which no model suffers from
    assert problems(report) == [("error", "values of semantic", "train")]
    assert "1 of its 14 classes never occur in the 6 images" in report["problems"][0]["message"]


def test_a_task_of_one_value_is_an_error(root: Path) -> None:
    for path in (root / "depth").iterdir():
        write(path, np.full((24, 32), 1500, np.uint16))
    report = check(config(root))
    assert problems(report) == [("error", "values of depth", "train")]
    assert "its only value" in report["problems"][0]["message"]
