from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from mtlplugins.datasets import Draw, MultiTaskDataset, NYUv2Dataset
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.targets import LabelMap
from tests._data import make_nyuv2

PIPELINE = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    dict(type="PackMultiTask"),
]


def load(root: Path, **settings) -> NYUv2Dataset:
    settings = dict(ann_file="splits/train.txt", pipeline=PIPELINE, broken_files="skip") | settings
    return NYUv2Dataset(str(root), **settings)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_nyuv2(tmp_path, frames=12, test=[])


def name(item: dict) -> str:
    return Path(item["data_samples"].img_path).stem


def test_whole_files_are_left_alone(root: Path) -> None:
    for index, item in enumerate(load(root)):
        assert name(item) == f"{index + 1:04d}"
        assert "left_out" not in item["data_samples"]
        if index == 11:
            break


def test_a_draw_chooses_its_replacement(root: Path) -> None:
    (root / "image" / "0001.jpg").write_text("no image")
    dataset = load(root)
    draws = [Draw(0, seed=1, number=number) for number in range(30)]
    chosen = [name(dataset[draw]) for draw in draws]
    assert [name(dataset[draw]) for draw in draws] == chosen
    assert "0001" not in chosen
    assert len(set(chosen)) > 6  # spread, and not always the same one
    (message,) = dataset[draws[0]]["data_samples"].left_out
    assert "0001.jpg cannot be read" in message
    assert name(dataset[0]) == name(dataset[0]) != "0001"  # without draws too


def test_a_file_that_is_found_broken_late_is_replaced_too(root: Path) -> None:
    path = root / "image" / "0001.jpg"
    path.write_bytes(path.read_bytes()[:-40])  # its header is whole
    late = [dict(type="OpenMultiTaskImage"), dict(type="MultiTaskResize", scale=8), *PIPELINE[2:]]
    item = load(root, pipeline=late)[0]
    assert name(item) != "0001"
    (message,) = item["data_samples"].left_out
    assert "0001.jpg cannot be read" in message
    with pytest.raises(BrokenFile, match=r"0001\.jpg cannot be read"):
        load(root, pipeline=late, broken_files="stop")[0]


def test_a_replacement_has_the_targets_of_the_broken_one(root: Path) -> None:
    for number in range(1, 13):
        if number not in (1, 8):
            (root / "depth" / f"{number:04d}.png").unlink()
    (root / "image" / "0001.jpg").write_text("no image")
    (root / "semantic13" / "0002.png").write_text("no image")
    dataset = load(root)
    assert {name(dataset[Draw(0, seed=0, number=n)]) for n in range(5)} == {"0008"}
    assert len({name(dataset[Draw(1, seed=0, number=n)]) for n in range(20)}) > 5


def test_many_broken_files_are_an_error_all_the_same(root: Path) -> None:
    for path in (root / "image").iterdir():
        path.write_bytes(b"")
    with pytest.raises(BrokenFile, match=r"none of the 10 images tried .*0004\.jpg.*it is empty"):
        load(root)[3]


def test_a_label_that_is_no_class_is_a_broken_file(root: Path) -> None:
    dataset = load(root, num_classes=13)
    dataset.target_types["semantic"] = LabelMap(("a", "b"))
    with pytest.raises(BrokenFile, match=r"none of the 10 images .*none of the 2 classes"):
        dataset[0]


def test_a_test_scores_all_images(root: Path) -> None:
    with pytest.raises(ValueError, match="for training: a test must score all"):
        load(root, test_mode=True)
    with pytest.raises(ValueError, match="broken_files='ignore': give 'stop' or 'skip'"):
        MultiTaskDataset(str(root), {}, broken_files="ignore")


def test_the_error_survives_the_way_from_a_worker() -> None:
    error = BrokenFile("a.png is broken", "a.png")
    assert error.path == "a.png"
    assert str(type(error)(str(error))) == "a.png is broken"
    assert str(pickle.loads(pickle.dumps(error))) == "a.png is broken"
