"""The benchmarks' configs read their official layouts, on small files made by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image
from scipy.io import savemat

from mtlplugins.apis import load_config
from mtlplugins.datasets import MultiTaskDataset, ShardDataset
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.shards import write_shards
from tests._benchmarks import (
    make_cityscapes,
    make_diode,
    make_hypersim,
    make_kitti,
    make_nyud_mt,
    make_pascal_mt,
    make_scannet,
    make_sunrgbd,
    make_taskonomy_dense,
    make_vkitti2,
    write_hypersim_csv,
)
from tests.docs.pages import ROOT as REPOSITORY
from tests.tools.command import load_tool

ROOT = Path(__file__).parents[2] / "configs"


def dataset_of(name: str, root: Path, split: str) -> MultiTaskDataset:
    init_default_scope("mmseg")
    cfg = load_config(str(ROOT / name), dict(data_root=str(root)))
    return DATASETS.build({**cfg[f"{split}_dataloader"].dataset, "pipeline": []})


def loaded(data: MultiTaskDataset, index: int) -> dict[str, np.ndarray]:
    sources = data.get_data_info(index)["target_sources"]
    return {task: data.target_types[task].load(source) for task, source in sources.items()}


def test_nyud_mt(tmp_path: Path) -> None:
    make_nyud_mt(tmp_path)
    name = "nyud_mt/swin_cond_nyud_mt.py"
    assert len(dataset_of(name, tmp_path, "train")) == 2
    data = dataset_of(name, tmp_path, "val")
    found = loaded(data, 0)
    assert set(found) == {"semantic", "depth", "normals", "edges"}
    # the third frame has 3 + column: from cabinet (the files' 3) on
    assert data.metainfo["tasks"]["semantic"]["classes"][found["semantic"][0, 0]] == "cabinet"
    assert len(data.metainfo["tasks"]["semantic"]["classes"]) == 40
    assert found["depth"][:2, 0].tolist() == [0, 3]
    np.testing.assert_allclose(found["normals"][1, 0], [0.6, 0, -0.8], rtol=1e-6)
    assert np.nonzero(found["edges"][0])[0].tolist() == [15]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("swin_cond_cityscapes.py", {7: "road", 26: "car", 33: "bicycle", 0: None, 9: None}),
        ("swin_cond_cityscapes_7.py", {7: "flat", 26: "vehicle", 24: "human", 0: None, 18: None}),
    ],
)
def test_cityscapes(tmp_path: Path, name: str, wanted: dict[int, str | None]) -> None:
    make_cityscapes(tmp_path)
    assert len(dataset_of(f"cityscapes/{name}", tmp_path, "train")) == 2
    data = dataset_of(f"cityscapes/{name}", tmp_path, "val")
    found, classes = loaded(data, 0), data.metainfo["tasks"]["semantic"]["classes"]
    assert len(classes) == (7 if "_7" in name else 19)
    for value, expected in wanted.items():
        label = found["semantic"][0, value]
        assert (None if label == 255 else classes[label]) == expected
    assert (found["depth"][0] == 0).all()
    # the devkit's formula: depth = baseline · focal length / ((p - 1) / 256)
    assert found["depth"][1, 0] == pytest.approx(0.209313 * 2262.52 / 40, rel=2e-4)


def test_pascal_mt(tmp_path: Path) -> None:
    make_pascal_mt(tmp_path)
    data = dataset_of("pascal_mt/swin_cond_pascal_mt.py", tmp_path, "val")
    assert len(data) == 2
    tasks = data.metainfo["tasks"]
    without, person = loaded(data, 0), loaded(data, 1)
    for found in (without, person):  # from either folder
        names = tasks["semantic"]["classes"]
        assert [names[found["semantic"][0, c]] for c in (15, 16)] == ["sofa", "person"]
    assert (without["parts"] == 255).all()
    drawn = [tasks["parts"]["classes"][label] for label in person["parts"][3, [0, 18, 20, 24, 31]]]
    assert drawn == ["background", "background", "lower arm", "lower arm", "head"]
    # above one half of 255: from column 16 on, 16 · 8 = 128
    assert np.nonzero(person["saliency"][0])[0].tolist() == list(range(16, 32))
    # 397 is among the labels that NYU Depth V2 has, 5 is not; the vector is made unit length
    np.testing.assert_allclose(person["normals"][0, 0], [0.0041, 0.0041, -1], atol=1e-3)
    assert np.linalg.norm(person["normals"][0, 15]) == pytest.approx(1)
    assert (person["normals"][0, 16:] == 0).all()
    assert (person["edges"][1:-1].sum(axis=1) == 1).all()
    assert set(np.nonzero(person["edges"])[1]) <= {15, 16}


def test_hypersim(tmp_path: Path) -> None:
    make_hypersim(tmp_path)
    name = "hypersim/swin_cond_hypersim.py"
    assert len(dataset_of(name, tmp_path, "train")) == 2
    assert "ai_004_002" in dataset_of(name, tmp_path, "test").get_data_info(0)["img_path"]
    data = dataset_of(name, tmp_path, "val")
    found, classes = loaded(data, 0), data.metainfo["tasks"]["semantic"]["classes"]
    assert [classes[found["semantic"][5, c]] for c in (1, 40)] == ["wall", "otherprop"]
    assert found["semantic"][5, 41] == 255
    # 2 m along the ray: the whole of it in the middle, cos 30 degrees at the right edge's middle
    assert (found["depth"][0] == 0).all()
    assert found["depth"][383, 511] == pytest.approx(2, rel=1e-5)
    assert found["depth"][383, 1023] == pytest.approx(2 * np.cos(np.pi / 6), rel=1e-3)
    # y down and z forward, where the files have y up and z towards the viewer
    np.testing.assert_allclose(found["normals"][1, 0], [0, -0.6, -0.8], atol=1e-3)
    assert (found["normals"][0] == 0).all()


def test_hypersim_s_splits_by_the_command_of_the_page(tmp_path: Path) -> None:
    write_hypersim_csv(tmp_path)
    page = (REPOSITORY / "docs/literature.md").read_text()
    command = page[page.index("mkdir -p splits\nfor split in train val test") :].split("```")[0]
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    preview = "ai_00{}/images/scene_cam_00_final_preview/frame.000{}"
    found = {path.stem: path.read_text().split() for path in (tmp_path / "splits").iterdir()}
    assert found == dict(
        train=[preview.format("1_001", 0), preview.format("1_001", 1)],
        val=[preview.format("3_001", 0)],
        test=[preview.format("4_002", 0)],
    )


@pytest.mark.parametrize("name", ["swin_cond_scannet.py", "swin_cond_scannet_scans.py"])
def test_scannet(tmp_path: Path, name: str) -> None:
    make_scannet(tmp_path)
    train = dataset_of(f"scannet/{name}", tmp_path, "train")
    assert len(train) == 4  # of two scenes of the list
    data = dataset_of(f"scannet/{name}", tmp_path, "val")
    assert len(data) == 2
    found, classes = loaded(data, 1), data.metainfo["tasks"]["semantic"]["classes"]
    assert len(classes) == 20
    assert (found["semantic"][:, :8] == 255).all()  # otherprop is not scored
    assert [classes[found["semantic"][0, c]] for c in (8, 32)] == ["chair", "floor"]
    assert found["depth"].shape == (24, 32)
    np.testing.assert_allclose(found["depth"][:2, 0], [0, 1.5], rtol=1e-6)
    data.pipeline = Compose([dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")])
    assert data[0]["gt_depth"].shape == (48, 64)  # of the image


def test_shards_of_targets_that_need_another_file(tmp_path: Path) -> None:
    make_scannet(tmp_path / "in")
    data = dataset_of("scannet/swin_cond_scannet_scans.py", tmp_path / "in", "val")
    targets = write_shards(data, tmp_path / "out")
    shards = ShardDataset(str(tmp_path / "out"), targets)
    np.testing.assert_array_equal(loaded(shards, 1)["semantic"], loaded(data, 1)["semantic"])
    make_diode(tmp_path / "diode")
    data = dataset_of("diode/swin_cond_diode.py", tmp_path / "diode", "val")
    with pytest.raises(ValueError, match="'depth': a DepthMap cannot be written to shards"):
        write_shards(data, tmp_path / "none")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (None, "is part of ScanNet's release"),
        ("id\tnyu40class\n3\tchair\n", "KeyError: 'nyu40id'"),
        ("id\tnyu40id\nthree\t5\n", "invalid literal .* 'three'"),
        ("id\tnyu40id\n1\t40\n3\t5\n", r"value 700 \(row 0, column 32\) is not among"),
    ],
)
def test_a_broken_table_of_scannet_is_named(tmp_path: Path, table: str | None, words: str) -> None:
    make_scannet(tmp_path)
    file = tmp_path / "scannetv2-labels.combined.tsv"
    file.unlink() if table is None else file.write_text(table)
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        loaded(dataset_of("scannet/swin_cond_scannet_scans.py", tmp_path, "val"), 0)


def test_vkitti2(tmp_path: Path) -> None:
    make_vkitti2(tmp_path)
    name = "vkitti2/swin_cond_vkitti2.py"
    assert len(dataset_of(name, tmp_path, "train")) == 4
    data = dataset_of(name, tmp_path, "val")
    assert len(data) == 1
    found, classes = loaded(data, 0), data.metainfo["tasks"]["semantic"]["classes"]
    assert len(classes) == 14
    assert [classes[label] for label in found["semantic"][[0, 100], 0]] == ["sky", "road"]
    assert (found["semantic"][-1] == 255).all()
    np.testing.assert_allclose(found["depth"][[99, 100], 0], [0, 12.34], rtol=1e-6)
    assert np.isnan(found["flow"][:100]).all()
    # three quarters of the range are half of the width, five eighths a quarter of the height
    np.testing.assert_allclose(
        found["flow"][100:], [1241 / 2, 374 / 4] * np.ones((275, 1242, 2)), atol=0.02
    )


def test_diode(tmp_path: Path) -> None:
    make_diode(tmp_path)
    name = "diode/swin_cond_diode.py"
    assert len(dataset_of(name, tmp_path, "train")) == 2  # indoors and outdoors
    found = loaded(dataset_of(name, tmp_path, "val"), 0)
    assert found["depth"][:2, 0].tolist() == [0, 3]
    assert found["normals"][:2, 0].tolist() == [[0, 0, -1], [0, 0, 0]]


def test_kitti(tmp_path: Path) -> None:
    make_kitti(tmp_path)
    data = dataset_of("kitti/swin_only_depth_kitti.py", tmp_path, "val")
    assert [data.tasks_of(index) for index in range(2)] == [["depth"], []]
    assert loaded(data, 0)["depth"][0, :5].tolist() == [20.5, 0, 0, 0, 20.5]
    selected = dataset_of("kitti/swin_only_depth_kitti_selection.py", tmp_path, "val")
    assert loaded(selected, 0)["depth"][0, :5].tolist() == [20.5, 0, 0, 0, 20.5]
    assert len(dataset_of("kitti/swin_only_depth_kitti_selection.py", tmp_path, "train")) == 2


def test_sunrgbd(tmp_path: Path) -> None:
    make_sunrgbd(tmp_path)
    name = "sunrgbd/swin_cond_sunrgbd.py"
    assert len(dataset_of(name, tmp_path, "train")) == 2
    data = dataset_of(name, tmp_path, "val")
    assert data.get_data_info(0)["name"] == "SUNRGBD/xtion/a/b/image/2"
    found, classes = loaded(data, 0), data.metainfo["tasks"]["semantic"]["classes"]
    assert len(classes) == 37
    assert classes[-1] == "bag"
    assert found["semantic"][3, [0, 1, 31]].tolist() == [255, 0, 30]
    np.testing.assert_allclose(found["depth"][:2, 5], [0, 1.5], rtol=1e-6)


def test_a_download_of_sunrgbd_that_is_not_whole_is_named(tmp_path: Path) -> None:
    tool = load_tool("dataset_converters/sunrgbd.py")
    with pytest.raises(tool["ConversionError"], match=r"no .*SUNRGBD: unpack SUNRGBD\.zip"):
        tool["convert"](tmp_path)
    make_sunrgbd(tmp_path, convert=False)
    (tmp_path / "SUNRGBD/kv2/kinect2data/000065/depth_bfx/1_abs.png").unlink()
    with pytest.raises(tool["ConversionError"], match=r"000065/depth_bfx has 0 images instead"):
        tool["convert"](tmp_path)
    for path in ("/etc/passwd", "SUNRGBD/../x"):
        with pytest.raises(tool["ConversionError"], match="is no folder below SUNRGBD/"):
            tool["scene_of"](path)


def test_taskonomy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    make_taskonomy_dense(tmp_path)
    data = dataset_of("taskonomy/swin_cond_dense_taskonomy.py", tmp_path, "val")
    found = {task: value[4, [0, 17]] for task, value in loaded(data, 0).items()}
    wanted = dict(
        semantic=[255, 17],  # uncertain, vase
        depth=[5, 5],
        distance=[4, 0],
        normals=[[0, 0, -1], [0, 0, 0]],
        curvature=[[0, 1], [np.nan, np.nan]],
        edges2d=[[1], [0.2]],
        edges3d=[[1], [0.2]],
        keypoints2d=[[1], [0.2]],
        keypoints3d=[[1], [0.2]],
        shading=[[1], [0.2]],
        segments2d=[0, 0],
        segments25d=[0, 0],
    )
    assert found.keys() == wanted.keys()
    for task, values in wanted.items():
        np.testing.assert_allclose(found[task], values, atol=0.005, err_msg=task)
    segments = loaded(data, 0)["segments25d"]
    assert set(np.nonzero(segments)[1]) <= {8, 9}
    assert (segments[1:-1].sum(axis=1) == 1).all()
    five = dataset_of("taskonomy/swin_cond_5tasks_taskonomy.py", tmp_path, "train")
    assert five.tasks_of(0) == ["semantic", "depth", "normals", "keypoints2d", "edges2d"]


def test_broken_files_of_pascal_mt_are_named(tmp_path: Path) -> None:
    make_pascal_mt(tmp_path)
    name = "2008_000002"
    savemat(tmp_path / f"human_parts/{name}.mat", dict(anno=dict(imname=name)))
    Image.new("RGB", (3, 3)).save(tmp_path / f"normals_distill/{name}.png")
    data = dataset_of("pascal_mt/swin_cond_pascal_mt.py", tmp_path, "val")
    sources = data.get_data_info(1)["target_sources"]
    with pytest.raises(BrokenFile, match=rf"{name}\.mat: no file of PASCAL-Part .*struct anno"):
        data.target_types["parts"].load(sources["parts"])
    with pytest.raises(BrokenFile, match=rf"{name}\.png: distilled normals are RGB.*\(24, 32\)"):
        data.target_types["normals"].load(sources["normals"])
    person = dict(
        class_ind=15, mask=np.ones((2, 2)), parts=dict(part_name="tail", mask=np.ones((2, 2)))
    )
    savemat(tmp_path / f"human_parts/{name}.mat", dict(anno=dict(objects=person)))
    with pytest.raises(BrokenFile, match=r"PASCAL-Part .*unknown part 'tail'"):
        data.target_types["parts"].load(sources["parts"])


@pytest.mark.parametrize(
    ("name", "folder"),
    [("nyud_mt/swin_cond_nyud_mt.py", "edge"), ("cityscapes/swin_cond_cityscapes.py", "disparity")],
)
def test_a_folder_that_was_not_unpacked_is_named(tmp_path: Path, name: str, folder: str) -> None:
    make_nyud_mt(tmp_path)
    make_cityscapes(tmp_path)
    (tmp_path / folder).rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match=f"none of the .*{folder}.*does not exist"):
        dataset_of(name, tmp_path, "train")
