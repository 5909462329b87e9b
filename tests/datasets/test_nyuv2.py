from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import mtlplugins
from mtlplugins.datasets import NYUv2Dataset
from tests._data import make_nyuv2

LOADING = [dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")]
COLUMNS = np.tile(np.arange(32), (24, 1))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_nyuv2(tmp_path_factory.mktemp("nyuv2"))


def test_frames_come_with_depth_in_metres(root: Path) -> None:
    train = NYUv2Dataset(str(root), ann_file="splits/train.txt", pipeline=LOADING)
    test = NYUv2Dataset(str(root), ann_file="splits/test.txt", pipeline=LOADING)
    assert [item["name"] for item in train] == ["0001", "0003"]
    assert [item["name"] for item in test] == ["0002", "0004"]
    depth = test[1]["gt_depth"]
    metres = np.repeat(4 + np.arange(1, 24)[:, None] / 1000, 32, axis=1)
    np.testing.assert_allclose(depth[1:], metres, rtol=1e-6)
    assert not depth[0].any()


@pytest.mark.parametrize(
    ("num_classes", "labels"),
    [
        (14, (1 + COLUMNS) % 14),
        (13, np.where((1 + COLUMNS) % 14 == 0, 255, (1 + COLUMNS) % 14 - 1)),
        (40, np.where((1 + COLUMNS) % 41 == 0, 255, (1 + COLUMNS) % 41 - 1)),
    ],
)
def test_label_protocols(root: Path, num_classes: int, labels: np.ndarray) -> None:
    data = NYUv2Dataset(
        str(root), ann_file="splits/train.txt", num_classes=num_classes, pipeline=LOADING
    )
    np.testing.assert_array_equal(data[0]["gt_semantic"], labels)
    meta = data.metainfo["tasks"]["semantic"]
    assert len(meta["classes"]) == len(meta["palette"]) == num_classes
    assert meta["ignore_index"] == 255


def test_protocols_name_the_same_label_alike(root: Path) -> None:
    classes = {
        n: NYUv2Dataset(str(root), ann_file="splits/test.txt", num_classes=n).metainfo["tasks"][
            "semantic"
        ]["classes"]
        for n in (13, 14, 40)
    }
    assert classes[14] == ("background", *classes[13])
    assert (classes[13][0], classes[13][11], classes[13][12]) == ("bed", "wall", "window")
    assert (classes[40][0], classes[40][3], classes[40][39]) == ("wall", "bed", "otherprop")


def test_scenes_can_be_a_task(root: Path) -> None:
    tasks = ("scene", "depth")
    data = NYUv2Dataset(str(root), ann_file="splits/test.txt", tasks=tasks, pipeline=LOADING)
    assert tuple(data.metainfo["tasks"]) == tasks
    scenes = data.metainfo["tasks"]["scene"]["classes"]
    assert len(scenes) == len(set(scenes)) == 27
    assert [scenes[item["gt_scene"]] for item in data] == ["bedroom", "bedroom"]
    train = NYUv2Dataset(str(root), ann_file="splits/train.txt", tasks=tasks, pipeline=LOADING)
    assert [scenes[item["gt_scene"]] for item in train] == ["kitchen", "kitchen"]


def test_normals_can_be_a_task(root: Path) -> None:
    data = NYUv2Dataset(str(root), ann_file="splits/test.txt", tasks=["normals"], pipeline=LOADING)
    normals = data[0]["gt_normals"]
    assert normals.shape == (24, 32, 3)
    assert not normals[0].any()
    np.testing.assert_allclose(normals[1:], np.broadcast_to([0.6, 0, -0.8], (23, 32, 3)), atol=4e-3)
    np.testing.assert_allclose(np.linalg.norm(normals[1:], axis=-1), 1, atol=1e-6)


def test_without_scenes_the_other_tasks_work(tmp_path: Path) -> None:
    root = make_nyuv2(tmp_path)
    (root / "scenes.json").unlink()
    shutil.rmtree(root / "normals")
    data = NYUv2Dataset(str(root), ann_file="splits/train.txt", pipeline=LOADING)
    assert tuple(data.metainfo["tasks"]) == ("semantic", "depth")
    for missing, message in (
        ("scene", r"scenes\.json, which does not exist \(.*/nyuv2\.py takes them"),
        ("normals", r"normals, which does not exist \(.*/nyuv2_normals\.py makes them"),
    ):
        with pytest.raises(FileNotFoundError, match=rf"task '{missing}'.*{message}"):
            NYUv2Dataset(str(root), ann_file="splits/train.txt", tasks=[missing])


def test_no_data_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        NYUv2Dataset(str(tmp_path / "nyuv2"), ann_file="splits/train.txt")
    for part in (
        str(tmp_path / "nyuv2"),
        "nyu_depth_v2_labeled.mat",
        "https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html",
        "python tools/dataset_converters/nyuv2.py",
        "--cfg-options data_root=DIR",
        "configs/rooms/swin_cond_rooms.py",
    ):
        assert part in str(error.value)


def test_named_files_of_the_help_exist() -> None:
    repository = Path(mtlplugins.__file__).parents[1]
    for name in ("tools/dataset_converters/nyuv2.py", "configs/rooms/swin_cond_rooms.py"):
        assert name in NYUv2Dataset.source
        assert (repository / name).is_file()


def test_an_unknown_protocol_is_an_error(root: Path) -> None:
    with pytest.raises(ValueError, match=r"num_classes=12, give one of \[13, 14, 40\]"):
        NYUv2Dataset(str(root), ann_file="splits/train.txt", num_classes=12)
