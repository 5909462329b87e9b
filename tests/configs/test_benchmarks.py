"""The benchmarks' configs read their official layouts, on small files made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image
from scipy.io import savemat

from mtlplugins.apis import load_config
from mtlplugins.datasets import MultiTaskDataset
from mtlplugins.datasets.reading.files import BrokenFile
from tests._benchmarks import make_cityscapes, make_nyud_mt, make_pascal_mt

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
