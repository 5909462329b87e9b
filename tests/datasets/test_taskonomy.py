from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmseg.registry import DATASETS

from mtlplugins.datasets import OneTaskDataset, TaskonomyDataset
from mtlplugins.datasets.reading import listing_cache
from tests._data import make_taskonomy, write_split

LOADING = [dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")]
VIEWS = ["point_20_view_0", "point_20_view_1", "point_3_view_0", "point_3_view_1"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_taskonomy(tmp_path / "taskonomy")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mtlplugins"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    logger = MMLogger.get_instance("taskonomy")
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO)
    yield lambda: caplog.text
    logger.removeHandler(caplog.handler)


def build(root: Path, **settings: Any) -> TaskonomyDataset:
    config = dict(
        type="TaskonomyDataset",
        data_root=str(root),
        ann_file="train_val_test_tiny.csv",
        pipeline=LOADING,
    )
    return DATASETS.build({**config, **settings})


def remove(root: Path, pattern: str) -> None:
    found = list(root.rglob(pattern))
    assert found
    for path in found:
        path.unlink()
        os.utime(path.parent, (1e9 + 5, 1e9 + 5))


# what is in the files


@pytest.mark.parametrize("by_building", [False, True])
def test_an_item_of_either_layout(tmp_path: Path, by_building: bool) -> None:
    data = build(make_taskonomy(tmp_path, by_building=by_building))
    assert [data.get_data_info(i)["name"] for i in range(len(data))] == [
        f"hanson/{view}" for view in VIEWS
    ]
    item = data[2]
    assert Path(item["img_path"]).name == "point_3_view_0_domain_rgb.png"
    assert item["img"].shape == (8, 18, 3)
    assert (item["gt_depth"] == np.array([0, *range(2, 9)], np.float32)[:, None]).all()
    assert (item["gt_semantic"] == [255, *range(1, 18)]).all()
    assert data.tasks_of(2) == ["semantic", "depth"]


def test_background_may_be_ignored(root: Path) -> None:
    labels = build(root, ignore_background=True)[0]["gt_semantic"]
    assert (labels == [255, 255, *range(2, 18)]).all()
    described = build(root).metainfo["tasks"]
    assert described["semantic"]["classes"][:3] == ("uncertain", "background", "bottle")
    assert len(described["semantic"]["classes"]) == 18
    assert described["semantic"]["ignored_classes"] == (0,)
    ignoring = build(root, ignore_background=True).metainfo["tasks"]["semantic"]
    assert ignoring["ignored_classes"] == (0, 1)
    depth = dict(kind="depth", unit="m", file_unit=1 / 512)
    assert build(root, tasks=["depth"]).metainfo == dict(tasks=dict(depth=depth))


def test_an_image_may_lack_a_target(root: Path, log: Callable[[], str]) -> None:
    remove(root, "point_3_view_1_domain_segmentsemantic.png")
    remove(root, "point_20_view_0_domain_depth_zbuffer.png")
    data = build(root)
    assert [data.tasks_of(i) for i in range(4)] == [
        ["semantic"], ["semantic", "depth"], ["semantic", "depth"], ["depth"],
    ]  # fmt: skip
    assert "gt_depth" not in data[0]
    assert "4 images; targets: semantic 3, depth 3" in log()
    assert len(OneTaskDataset(data)) == 6


def test_other_files_are_no_images(root: Path) -> None:
    folder = root / "rgb" / "taskonomy" / "hanson"
    (folder / "point_3_view_0_domain_rgb.png.part").touch()
    (folder / "notes.txt").touch()
    assert len(build(root)) == 4


# splits


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])  # some copies end lines as old Macs did
def test_the_official_splits(root: Path, end: str) -> None:
    lines = ["id,train,val,test", "darden,0,1,0", "hanson,1,0,0", ""]
    (root / "all.csv").write_bytes(end.join(lines).encode())
    data = build(root, ann_file="all.csv", split="val")
    assert [data.get_data_info(i)["name"] for i in range(len(data))] == [
        f"darden/{view}" for view in VIEWS
    ]


def test_a_list_of_buildings(root: Path) -> None:
    write_split(root / "mine.txt", ["darden", "", " hanson ", "darden"])
    data = build(root, ann_file="mine.txt")
    names = [data.get_data_info(i)["name"] for i in range(8)]
    assert names == [f"{b}/{view}" for b in ("darden", "hanson") for view in VIEWS]
    assert len(build(root, ann_file="mine.txt", indices=3)) == 3


@pytest.mark.parametrize(
    ("lines", "split", "message"),
    [
        (["id,train,val", "hanson,1,0"], "test", r"no column 'test', only train, val: set the"),
        (["id,train,val,test", "hanson,1,0,0"], "test", r"lists no building for split 'test'"),
        (["id,train,val,test", "hanson,1"], "val", r"lists no building for split 'val'"),
        ([""], "train", r"a\.csv lists no building"),
    ],
)
def test_a_split_that_is_not_there(
    tmp_path: Path, lines: list[str], split: str, message: str
) -> None:
    write_split(tmp_path / "a.csv", lines)
    with pytest.raises(ValueError, match=message):
        build(tmp_path, ann_file="a.csv", split=split)


# what is not there


def test_nothing_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no data set at .*nowhere: download .*omnitools"):
        build(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no split file .*train_val_test_tiny\.csv: "):
        build(tmp_path)


def test_another_layout_is_an_error(tmp_path: Path) -> None:
    write_split(tmp_path / "a.txt", ["hanson", "darden"])
    (tmp_path / "rgb" / "hanson").mkdir(parents=True)
    message = (
        r"neither .*/rgb/taskonomy/X nor .*/X/rgb for any of the 2 buildings X of .*a\.txt "
        r"\(train\), such as hanson; .* holds a\.txt, rgb; download"
    )
    with pytest.raises(FileNotFoundError, match=message):
        build(tmp_path, ann_file="a.txt")


def test_missing_buildings_are_counted(root: Path, log: Callable[[], str]) -> None:
    write_split(root / "a.txt", ["merom", "hanson", "onaga"])
    assert len(build(root, ann_file="a.txt")) == 4
    assert "2 of 3 buildings are not in" in log()
    assert "left out: merom, onaga" in log()


def test_a_task_without_any_target_is_an_error(root: Path) -> None:
    remove(root, "*_domain_depth_zbuffer.png")
    message = r"'depth': none of the 4 images .* has a target in .*depth_zbuffer.*; finish the down"
    with pytest.raises(FileNotFoundError, match=message):
        build(root)
    assert len(build(root, tasks=["semantic"])) == 4
    remove(root, "*_domain_rgb.png")
    with pytest.raises(FileNotFoundError, match=r"no image in .*<building>.*; finish the download"):
        build(root, tasks=["semantic"])


# what is remembered


def test_the_folders_are_read_once(
    root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(**settings: Any) -> list[tuple[str, list[str]]]:
        data = build(root, **settings)
        return [(data.get_data_info(i)["name"], data.tasks_of(i)) for i in range(len(data))]

    first = found()
    (file,) = cache.iterdir()
    assert file.name.startswith("taskonomy_")
    with monkeypatch.context() as patch:
        patch.setattr(listing_cache, "listdir", lambda folder: pytest.fail(f"reads {folder}"))
        assert found(ignore_background=True) == first
    remove(root, "point_3_view_1_domain_depth_zbuffer.png")
    assert [pair for pair in first if pair not in found()] == [
        ("hanson/point_3_view_1", ["semantic", "depth"])
    ]
    build(root, split="val", index_dir=str(tmp_path / "index"))
    assert len(list(cache.iterdir())) == len(list((tmp_path / "index").iterdir())) == 1
