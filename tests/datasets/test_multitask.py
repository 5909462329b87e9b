from __future__ import annotations

import json
import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from torch.utils.data import DataLoader

import mtlplugins  # noqa: F401
from mtlplugins.datasets import Draw, MultiTaskDataset
from tests._data import make_image, write, write_labels, write_split

LOADING = [dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")]
PACKED = [*LOADING, dict(type="PackMultiTask")]
TARGETS = dict(
    parts=dict(type="LabelMap", folder="labels", suffix="_parts.png", classes=["sky", "sea"]),
    depth=dict(type="DepthMap", folder="depth", suffix=".npy", unit=1.0),
    weather=dict(type="ImageLabel", file="weather.json"),
)
NAMES = ["a", "b", "trip/day1/c", "trip/e"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four images; labels for a and c, depth for c and d, weather for b and d."""
    root = tmp_path / "mine"
    for number, name in enumerate(NAMES):
        write(root / "photos" / f"{name}.jpeg", make_image(number))
    for name in ("a", "trip/day1/c"):
        write(root / "labels" / f"{name}_parts.png", np.ones((24, 32), np.uint8))
    for number, name in enumerate(("trip/day1/c", "trip/e")):
        write(root / "depth" / f"{name}.npy", np.full((24, 32), 2.5 + number))
    write_labels(root / "weather.json", {"b": "rain", "trip/e": "fog", "not listed": "sun"})
    return root


def build(root: Path, **settings: Any) -> MultiTaskDataset:
    config = dict(
        type="MultiTaskDataset",
        data_root=str(root),
        targets=TARGETS,
        image=dict(folder="photos", suffix=".jpeg"),
        pipeline=LOADING,
    )
    return DATASETS.build({**config, **settings})


def test_a_folder_needs_no_code(root: Path) -> None:
    data = build(root)
    assert [item["name"] for item in data] == NAMES
    given = [{key for key in item if key.startswith("gt_")} for item in data]
    assert given[:2] == [{"gt_parts"}, {"gt_weather"}]
    assert given[2:] == [{"gt_depth", "gt_parts"}, {"gt_depth", "gt_weather"}]
    assert [data[1]["gt_weather"], data[3]["gt_weather"]] == [1, 0]
    assert (data[3]["gt_depth"] == 3.5).all()
    assert (data[2]["gt_parts"] == 1).all()
    np.testing.assert_allclose(data[2]["img"][..., ::-1], make_image(2), atol=16)
    assert data[2]["img_path"] == str(root / "photos/trip/day1/c.jpeg")


def test_a_partly_labelled_image_is_packed_with_what_it_has(root: Path) -> None:
    sample = build(root, pipeline=PACKED)[1]["data_samples"]
    assert sample.target("parts") is None
    assert sample.target("depth") is None
    assert sample.target("weather").label.tolist() == [1]


def test_what_was_found_is_logged(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    logger = MMLogger.get_instance("count")
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO):
        build(root)
    logger.removeHandler(caplog.handler)
    assert "4 images; targets: parts 2, depth 2, weather 2" in caplog.text


def test_metainfo_describes_the_tasks_asked_for(root: Path) -> None:
    data = build(root, tasks=["weather", "depth"])
    assert data.metainfo == {
        "tasks": {
            "weather": {"kind": "classification", "classes": ("fog", "rain", "sun")},
            "depth": {"kind": "depth", "unit": "m"},
        }
    }
    assert not [key for key in data[0] if key.startswith("gt_")]


# splits


def test_a_split_file_may_have_suffixes_and_blank_lines(root: Path) -> None:
    lines = ["", "trip/e.jpeg", "  a  ", "", "trip/day1/c\r", "", ""]
    write_split(root / "lists" / "train.txt", lines)
    data = build(root, ann_file="lists/train.txt")
    assert [item["name"] for item in data] == ["trip/e", "a", "trip/day1/c"]
    elsewhere = write_split(root.parent / "other.txt", ["b"])
    assert [item["name"] for item in build(root, ann_file=str(elsewhere), tasks=["weather"])] == [
        "b"
    ]


def test_indices_choose_images(root: Path) -> None:
    assert [item["name"] for item in build(root, indices=2)] == ["a", "b"]
    assert [item["name"] for item in build(root, indices=[3, 0])] == ["trip/e", "a"]


def test_a_split_file_must_be_there_and_list_something(root: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no split file .*mine/train\.txt: set data_root"):
        build(root, ann_file="train.txt")
    write_split(root / "train.txt", ["", " "])
    with pytest.raises(ValueError, match=r"mine/train\.txt lists no image"):
        build(root, ann_file="train.txt")


def test_a_name_may_be_listed_once(root: Path) -> None:
    write_split(root / "train.txt", ["a", "b", "a.jpeg", "a"])
    with pytest.raises(ValueError, match=r"train\.txt lists 'a' 3 times"):
        build(root, ann_file="train.txt")


def test_missing_images_are_counted_and_the_first_named(root: Path) -> None:
    write_split(root / "train.txt", ["a", "trip/x", "b", "f"])
    message = r"2 of 4 images listed in .*train\.txt are missing, the first is .*photos/trip/x\.jpe"
    with pytest.raises(FileNotFoundError, match=message):
        build(root, ann_file="train.txt")


# what is not there


def test_no_root_says_what_to_set(tmp_path: Path) -> None:
    message = r"no data set at .*nowhere: set data_root .*--cfg-options data_root=DIR"
    with pytest.raises(FileNotFoundError, match=message):
        build(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "image", [dict(folder="photos", suffix=".png"), dict(folder="x", suffix=".jpeg")]
)
def test_a_folder_without_images_is_an_error(root: Path, image: dict) -> None:
    with pytest.raises(ValueError, match=rf"no image with suffix {image['suffix']} in .*mine/"):
        build(root, image=image)


def test_a_folder_is_taken_with_its_links_and_without_what_is_hidden(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = root / "photos"
    for name in ("._a.jpg", ".Trash/b.jpg", "below/c.jpg", "big.JPG"):
        write(folder / name, make_image(1))
    write(tmp_path / "elsewhere/d.jpg", make_image(2))
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "a circle").symlink_to(folder)
    (folder / "again").symlink_to("below")
    logger = MMLogger.get_current_instance()
    with caplog.at_level(logging.WARNING, logger=logger.name):
        logger.addHandler(caplog.handler)
        try:
            dataset = MultiTaskDataset(str(root), {}, image=dict(folder="photos", suffix=".jpg"))
        finally:
            logger.removeHandler(caplog.handler)
    names = [dataset.get_data_info(i)["name"] for i in range(len(dataset))]
    there = [path.stem for path in folder.glob("[!.]*.jpg")]
    assert names == sorted([*there, "below/c", "link/d"])
    assert "1 files, such as big.JPG, end in it but for upper and lower case" in caplog.text


def test_a_suffix_of_other_case_is_pointed_at(root: Path) -> None:
    write_split(root / "train.txt", ["a", "trip/day1/c"])
    (root / "photos/a.jpeg").rename(root / "photos/a.JPEG")
    message = r"the first is .*photos/a\.jpeg \(there is a\.JPEG\)"
    with pytest.raises(FileNotFoundError, match=message):
        build(root, ann_file="train.txt")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (dict(folder="depht"), r"mine/depht, which does not exist; correct the data or"),
        (
            dict(suffix=".png"),
            r"mine/depth with suffix \.png \(there is c\.npy\); correct the data or",
        ),
    ],
)
def test_a_task_without_any_target_is_an_error(root: Path, target: dict, message: str) -> None:
    write_split(root / "train.txt", ["trip/day1/c", "trip/e"])
    targets = {**TARGETS, "depth": {**TARGETS["depth"], **target}}
    with pytest.raises(FileNotFoundError) as error:
        build(root, targets=targets, ann_file="train.txt")
    expected = rf"task 'depth': none of the 2 images has a target in .*{message}"
    error.match(expected + r" the data set's targets\.depth, list the targets behind the images")


def test_classes_for_none_of_the_images_are_an_error(root: Path) -> None:
    write_labels(root / "weather.json", {"e": "rain"})
    with pytest.raises(
        FileNotFoundError,
        match=r"'weather'.*weather\.json, which names images such as 'e', not",
    ):
        build(root)
    assert len(build(root, tasks=["parts", "depth"])) == 4


def test_an_unknown_task_is_an_error(root: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown task 'dept'.* has parts, depth, weather"):
        build(root, tasks=["parts", "dept"])


# what is in the files


def test_a_target_has_the_shape_of_its_image(root: Path) -> None:
    write(root / "depth" / "trip/e.npy", np.ones((12, 15)))
    data = build(root)
    message = r"'depth': .*trip/e\.npy is 15 x 12 pixels, its image .*trip/e\.jpeg is 32 x 24"
    with pytest.raises(ValueError, match=message):
        data[3]
    assert data[2]["gt_depth"].shape == (24, 32)


@pytest.mark.parametrize("kept", [0, 100, 400])
def test_an_incomplete_image_is_named(root: Path, kept: int) -> None:
    path = root / "photos/a.jpeg"
    whole = path.read_bytes()
    assert len(whole) > 450
    data = build(root)
    path.write_bytes(whole[:kept])
    with pytest.raises(ValueError, match=r"image .*photos/a\.jpeg cannot be read.*split file"):
        data[0]


# as part of the stack


def test_the_data_set_travels_to_workers(root: Path) -> None:
    data = build(root, pipeline=PACKED)
    again = pickle.loads(pickle.dumps(data))
    assert again.metainfo == data.metainfo
    loaded = DataLoader(data, batch_size=None, num_workers=2)
    for copies in zip(data, again, loaded, strict=True):
        images = [copy["inputs"] for copy in copies]
        assert torch.equal(images[0], images[1])
        assert torch.equal(images[0], images[2])
        fields = [set(copy["data_samples"].all_keys()) for copy in copies]
        assert fields[0] == fields[1] == fields[2]


def test_metainfo_reaches_metrics(root: Path) -> None:
    metric = dict(type="MultiTaskIoUMetric", task="parts")
    evaluator = Evaluator([metric])
    evaluator.dataset_meta = build(root).metainfo
    assert evaluator.metrics[0].dataset_meta["tasks"]["parts"]["classes"] == ("sky", "sea")


def test_wrapped_data_sets_augment_by_draw(root: Path) -> None:
    crop = dict(type="MultiTaskRandomResizedCrop", scale=16)
    single = build(root, pipeline=[*LOADING, crop, dict(type="PackMultiTask")])
    for wrapper, index in ((ConcatDataset([single, single]), 6), (RepeatDataset(single, 3), 10)):
        for number in range(3):
            wrapped = wrapper[Draw(index, seed=5, number=number)]
            direct = single[Draw(2, seed=5, number=number)]
            assert wrapped["data_samples"].crop_box == direct["data_samples"].crop_box
            assert torch.equal(wrapped["inputs"], direct["inputs"])
    assert len(ConcatDataset([single, single])) == 8
    assert ConcatDataset([single, single]).metainfo == single.metainfo


def test_an_image_without_targets_goes_through_the_test_pipeline(root: Path) -> None:
    data = build(root, tasks=["depth"], test_mode=True, pipeline=PACKED)
    sample = data[0]["data_samples"]
    assert list(sample.keys()) == []
    assert sample.ori_shape == (24, 32)
    assert sample.invalid == {"depth": 0.0}


def test_classes_are_balanced_by_mmengine(tmp_path: Path) -> None:
    """f(kitchen) = 3/4, f(hall) = 1/4: threshold 1/2: two of the hall, as sqrt(2) is rounded up."""
    labels = dict(a="kitchen", b="kitchen", c="kitchen", d="hall")
    for number, name in enumerate(labels):
        write(tmp_path / f"image/{name}.png", make_image(number))
        if name != "b":  # images may lack targets
            write(tmp_path / f"depth/{name}.png", np.full((24, 32), 1000, np.uint16))
    content = dict(classes=["kitchen", "hall"], labels=labels)
    (tmp_path / "rooms.json").write_text(json.dumps(content))
    targets = dict(
        scene=dict(type="ImageLabel", file="rooms.json"),
        depth=dict(type="DepthMap", folder="depth"),
    )
    inner = dict(
        type="MultiTaskDataset",
        data_root=str(tmp_path),
        targets=targets,
        image=dict(folder="image", suffix=".png"),
    )
    init_default_scope("mmseg")  # in which MMEngine's wrappers build what they wrap
    balanced = DATASETS.build(dict(type="ClassBalancedDataset", dataset=inner, oversample_thr=0.5))
    assert [balanced.get_data_info(i)["name"] for i in range(len(balanced))] == list("abcdd")
    apart = dict(type="OneTaskDataset", dataset=inner)  # a scene of each, the depth of three
    balanced = DATASETS.build(dict(type="ClassBalancedDataset", dataset=apart, oversample_thr=0.4))
    assert len(balanced) == 7 + 1  # f(kitchen) = 3/7, f(hall) = 1/7: sqrt(2.8) is rounded up to two
    without = dict(inner, tasks=["depth"])
    with pytest.raises(ValueError, match="none of the tasks depth has classes to balance"):
        DATASETS.build(dict(type="ClassBalancedDataset", dataset=without, oversample_thr=0.5))


def test_classes_of_label_maps_are_those_in_them(tmp_path: Path) -> None:
    write(tmp_path / "image/a.png", make_image(0))
    write(tmp_path / "labels/a.png", np.array([[0, 2], [255, 2]], np.uint8))
    target = dict(type="LabelMap", folder="labels", classes=("wall", "bed", "floor"))
    dataset = MultiTaskDataset(
        str(tmp_path), dict(semantic=target), image=dict(folder="image", suffix=".png")
    )
    assert dataset.get_cat_ids(0) == [("semantic", "wall"), ("semantic", "floor")]
