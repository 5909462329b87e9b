"""Targets find their own sources: a file per image, one file for all, or none at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmengine.structures import LabelData
from mmseg.registry import DATASETS, TRANSFORMS

from mtlplugins.analysis.data_check import as_json, check_config
from mtlplugins.datasets import (
    DepthMap,
    ImageLabel,
    LabelMap,
    MixedDataset,
    MultiTaskDataset,
    OneTaskDataset,
)
from mtlplugins.datasets.targets import Target
from tests._data import make_image, write, write_labels

LOADING = [dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")]
PACK = dict(type="PackMultiTask")


@DATASETS.register_module()
class DepthArchive(DepthMap):
    """Depth of all images in one ``.npz``, by image name."""

    def __init__(self, file: str) -> None:
        super().__init__(unit=1.0)
        self.file = file

    def find(self, root: Path, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        path = str(root / self.file)
        with np.load(path) as stored:
            return {name: (path, name) for name in names if name in stored.files}

    def load(self, source: tuple[str, str]) -> np.ndarray:
        path, name = source
        with np.load(path) as stored:
            return self.convert(stored[name], path)


@DATASETS.register_module()
class Rotation(Target):
    """By how many quarter turns a transform has turned the image; no file holds it."""

    kind = "classification"
    dense = False

    def meta(self) -> dict[str, Any]:
        return dict(kind=self.kind, classes=("0", "90"))

    def describe(self, value: int) -> dict[str, int]:
        return {"0": 1 - value, "90": value}

    def pack(self, value: int) -> LabelData:
        return LabelData(label=torch.tensor([value]))


@TRANSFORMS.register_module()
class Turn(BaseTransform):
    def transform(self, results: dict) -> dict:
        turned = int(np.random.randint(2))
        results["img"] = np.rot90(results["img"], 2 * turned).copy()
        return results | dict(gt_rotation=turned)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three images; depth of two of them in one archive."""
    for number, name in enumerate(("a", "trip/b", "c")):
        write(tmp_path / f"image/{name}.png", make_image(number))
    depth = {name: np.full((24, 32), 2.0 + number) for number, name in enumerate(("a", "trip/b"))}
    np.savez(tmp_path / "depth.npz", **depth)
    return tmp_path


def build(root: Path, pipeline: Sequence[dict] = LOADING, **targets: dict) -> MultiTaskDataset:
    image = dict(folder="image", suffix=".png")
    return MultiTaskDataset(str(root), targets, image=image, pipeline=pipeline)


def test_files_of_a_folder_are_found_by_name_and_suffix(root: Path) -> None:
    for name in ("a_l.png", "trip/b_l.png", "c_other.png", "unlisted_l.png"):
        write(root / "labels" / name, np.zeros((24, 32), np.uint8))
    target = LabelMap(["sky"], "labels", "_l.png")
    assert target.find(root, ["a", "trip/b", "c"]) == {
        "a": str(root / "labels/a_l.png"),
        "trip/b": str(root / "labels/trip/b_l.png"),
    }
    assert target.where(root, "c") == f"{root}/labels with suffix _l.png (there is c_other.png)"
    assert LabelMap(["sky"], "x").where(root, "c") == f"{root}/x, which does not exist"


def test_a_json_names_the_class_of_each_image(root: Path) -> None:
    write_labels(root / "scenes.json", {"c": "hall", "a": "bath", "unlisted": "attic"})
    target = ImageLabel("scenes.json")
    assert target.find(root, ["a", "trip/b", "c"]) == {"a": 1, "c": 2}
    assert [target.load(source) for source in (1, 2)] == [1, 2]
    where = f"{root}/scenes.json, which names images such as 'c', not 'a'"
    assert target.where(root, "a") == where
    missing = ImageLabel("none.json", classes=["a"])
    assert missing.find(root, ["a"]) == {}
    assert missing.where(root, "a") == f"{root}/none.json, which does not exist"


def test_one_file_may_hold_the_maps_of_all_images(root: Path) -> None:
    data = build(root, depth=dict(type="DepthArchive", file="depth.npz"))
    assert [data.tasks_of(i) for i in range(3)] == [["depth"], [], ["depth"]]
    assert [float(data[i]["gt_depth"].max()) for i in (0, 2)] == [2.0, 3.0]
    assert data[0]["seg_fields"] == ["gt_depth"]
    assert "gt_depth" not in data[1]


def test_a_map_of_another_shape_is_an_error_whatever_its_source(root: Path) -> None:
    np.savez(root / "depth.npz", a=np.ones((12, 15)))
    data = build(root, depth=dict(type="DepthArchive", file="depth.npz"))
    with pytest.raises(ValueError, match=r"'depth': .*depth\.npz.* is 15 x 12 pixels, its image"):
        data[0]


def test_a_transform_may_make_the_target(root: Path) -> None:
    data = build(root, [*LOADING, dict(type="Turn"), PACK], rotation=dict(type="Rotation"))
    plain = [make_image(number)[..., ::-1] for number in (0, 2, 1)]
    seen = set()
    for index in (0, 1, 2) * 8:
        item = data[index]
        (turned,) = item["data_samples"].gt_rotation.label.tolist()
        image = np.rot90(plain[index], 2 * turned).transpose(2, 0, 1)
        np.testing.assert_array_equal(item["inputs"], image)
        seen.add(turned)
    assert seen == {0, 1}
    assert data.tasks_of(1) == ["rotation"]
    assert len(OneTaskDataset(data)) == 3
    assert list(MixedDataset([data, data], (1, 1)).metainfo["tasks"]) == ["rotation"]


def test_a_target_that_no_transform_makes_is_an_error(root: Path) -> None:
    data = build(root, [*LOADING, PACK], rotation=dict(type="Rotation"))
    message = (
        r"no transform before PackMultiTask made results\['gt_rotation'\].*'rotation', and Rot"
    )
    with pytest.raises(ValueError, match=message):
        data[0]


def test_the_data_check_leaves_out_what_a_transform_makes(root: Path) -> None:
    dataset = dict(
        type="MultiTaskDataset",
        data_root=str(root),
        targets=dict(
            rotation=dict(type="Rotation"), depth=dict(type="DepthArchive", file="depth.npz")
        ),
        image=dict(folder="image", suffix=".png"),
    )
    report = as_json(check_config(Config(dict(train_dataloader=dict(dataset=dataset))), workers=0))
    assert report["problems"] == []
    assert list(report["splits"][0]["targets"]) == ["depth"]


def test_targets_in_a_folder_beside_that_of_the_images(tmp_path: Path) -> None:
    """The message has the line of a split file that finds them, and the line does."""
    for scene in ("hall_1", "hall_2"):
        write(tmp_path / scene / "color/[0].png", make_image(0))
        write(tmp_path / scene / "depth/[0].npy", np.ones((24, 32), np.float32))
    targets = dict(depth=dict(type="DepthMap", unit=1, suffix=".npy"))
    image = dict(folder="", suffix=".png")
    line = "hall_1/color/[0] hall_1/depth/[0].npy"
    with pytest.raises(FileNotFoundError) as raised:
        MultiTaskDataset(str(tmp_path), targets, image=image)
    assert f"a split file may have the line {line!r}" in str(raised.value)
    (tmp_path / "train.txt").write_text(line)
    dataset = MultiTaskDataset(str(tmp_path), targets, image=image, ann_file="train.txt")
    assert dataset.get_data_info(0)["target_sources"]["depth"].endswith("hall_1/depth/[0].npy")
