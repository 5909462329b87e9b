"""Samples of shards are those of the files they were written from; bad shards are named."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import torch
from mmseg.registry import DATASETS

from mtlplugins.datasets import Draw, MultiTaskDataset, NYUv2Dataset, ShardDataset
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.reading.members import read_member
from mtlplugins.datasets.shards import write_shards
from mtlplugins.datasets.shards.index import ShardIndex
from tests._data import make_image, make_nyuv2, write

PIPELINE = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    dict(type="MultiTaskRandomResizedCrop", scale=16),
    dict(type="PackMultiTask"),
]
PLAIN = [dict(type="LoadMultiTaskImage"), dict(type="LoadTargets"), dict(type="PackMultiTask")]


@pytest.fixture
def files(tmp_path: Path) -> NYUv2Dataset:
    root = make_nyuv2(tmp_path / "nyuv2", frames=7, test=[], size=(24, 32))
    (root / "depth" / "0002.png").unlink()  # partly labelled
    (root / "semantic13" / "0005.png").unlink()
    return NYUv2Dataset(str(root), ann_file="splits/train.txt", pipeline=PIPELINE)


@pytest.fixture
def shards(files: NYUv2Dataset, tmp_path: Path) -> dict[str, Any]:
    targets = write_shards(files, tmp_path / "shards", shard_bytes=4000)
    assert len(list((tmp_path / "shards").glob("*.tar"))) > 2
    return dict(
        type="ShardDataset",
        data_root=str(tmp_path / "shards"),
        targets=targets,
        pipeline=PIPELINE,
    )


def same(first: dict, second: dict) -> None:
    assert torch.equal(first["inputs"], second["inputs"])
    a, b = first["data_samples"], second["data_samples"]
    assert a.name == b.name
    assert a.keys() == b.keys()
    for task in a.keys():  # noqa: SIM118, a data element is no dictionary
        assert torch.equal(a.get(task).data, b.get(task).data)


def test_draws_are_those_of_the_files(files: NYUv2Dataset, shards: dict, tmp_path: Path) -> None:
    dataset = DATASETS.build(shards)
    assert len(dataset) == len(files) == 7
    for index in range(7):
        assert dataset.tasks_of(index) == files.tasks_of(index)
        same(dataset[Draw(index, seed=3, number=index)], files[Draw(index, seed=3, number=index)])
    (tmp_path / "shards" / "index.npz").unlink()  # made anew
    again = DATASETS.build(shards)
    same(again[Draw(6, seed=1, number=9)], files[Draw(6, seed=1, number=9)])
    assert (tmp_path / "shards" / "index.npz").is_file()
    resident = DATASETS.build(dict(shards, resident=True, indices=3))
    same(resident[Draw(2, seed=1, number=9)], files[Draw(2, seed=1, number=9)])


def test_a_url_is_read_by_fsspec(files: NYUv2Dataset, shards: dict) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(shards["data_root"], "/far", recursive=True)
    dataset = DATASETS.build(dict(shards, data_root="memory://far"))
    for index in range(7):
        same(dataset[Draw(index, seed=3, number=index)], files[Draw(index, seed=3, number=index)])
    memory.rm("/far/index.npz")
    with pytest.raises(FileNotFoundError, match=r"memory://far/index\.npz: mtlplugins to-shards"):
        DATASETS.build(dict(shards, data_root="memory://far"))
    memory.rm("/far", recursive=True)


def test_a_server_that_ignores_ranges_is_named(shards: dict, monkeypatch) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(shards["data_root"], "/whole", recursive=True)
    dataset = DATASETS.build(dict(shards, data_root="memory://whole"))
    cat = type(memory).cat_file
    monkeypatch.setattr(type(memory), "cat_file", lambda self, path, **range: cat(self, path))
    with pytest.raises(BrokenFile, match=r"sent \d+ bytes of the shard when \d+ .* ignores ranges"):
        dataset[6]
    memory.rm("/whole", recursive=True)


def test_classes_numbers_and_maps_of_several_files_are_written_too(tmp_path: Path) -> None:
    for name in ("a.b", "c"):  # a dot would end the key
        write(tmp_path / f"in/image/{name}.png", make_image(3))
        write(tmp_path / f"in/masks/{name}_floor.png", np.full((24, 32), 255, np.uint8))
    write_text = (tmp_path / "in" / "scenes.json").write_text
    write_text(json.dumps(dict(classes=["x", "y"], labels={"a.b": "y"})))
    (tmp_path / "in" / "ages.json").write_text(json.dumps(dict(labels={"c": [2.5]})))
    dataset = MultiTaskDataset(
        str(tmp_path / "in"),
        dict(
            parts=dict(
                type="ClassMasksLabelMap",
                classes=["wall", "floor"],
                files="masks/{name}_{class}.png",
                background=None,
            ),
            scene=dict(type="ImageLabel", file="scenes.json", classes=["x", "y"]),
            age=dict(type="ImageNumbers", file="ages.json", names=["age"]),
        ),
        image=dict(folder="image", suffix=".png"),
        pipeline=PLAIN,
    )
    targets = write_shards(dataset, tmp_path / "s")
    assert targets["parts"]["type"] == "LabelMap"
    first, second = foreign(tmp_path, targets=targets)[0], foreign(tmp_path, targets=targets)[1]
    assert first["data_samples"].name == "a_b"
    for ours, files in ((first, dataset[0]), (second, dataset[1])):
        a, b = ours["data_samples"], files["data_samples"]
        assert (a.gt_parts.data == 1).all()
        assert torch.equal(a.gt_parts.data, b.gt_parts.data)
        assert a.keys() == b.keys()
    assert first["data_samples"].gt_scene.label.tolist() == [1]
    assert second["data_samples"].gt_age.numbers.tolist() == [2.5]


def tar(path: Path, *members: tuple[str, bytes], **info: Any) -> None:
    with tarfile.open(path, "w") as file:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in info.items():
                setattr(member, key, value)
            file.addfile(member, io.BytesIO(content))


def png(tmp_path: Path, values: np.ndarray) -> bytes:
    return write(tmp_path / "a.png", values).read_bytes()


def foreign(tmp_path: Path, **options: Any) -> ShardDataset:
    return ShardDataset(str(tmp_path / "s"), **dict(dict(targets={}, pipeline=PLAIN), **options))


def test_shards_of_others_with_values_and_long_names(tmp_path: Path) -> None:
    """A class in JSON, a map in npy, folders, and names above the 100 letters of a tar header."""
    (tmp_path / "s").mkdir()
    depth, buffer = np.full((24, 32), 2, np.float32), io.BytesIO()
    np.save(buffer, depth)
    for shard in "ab":
        key = f"{'deep/' * 30}{shard}"
        tar(
            tmp_path / "s" / f"{shard}.tar",
            (f"{key}.png", png(tmp_path, make_image(3))),
            (f"{key}.depth.npy", buffer.getvalue()),
            (f"{key}.scene.json", b"1"),
            (f"{key}.txt", b"a caption"),
        )
    dataset = foreign(
        tmp_path,
        targets=dict(
            depth=dict(type="DepthMap", unit=1.0),
            scene=dict(type="ImageLabel", classes=("in", "out")),
        ),
    )
    sample = dataset[1]["data_samples"]
    assert sample.name == f"{'deep/' * 30}b"
    assert sample.gt_scene.label.tolist() == [1]
    assert (sample.gt_depth.data == 2).all()


GOOD = ("0.png", b"x" * 9)


@pytest.mark.parametrize(
    ("members", "info", "message"),
    [
        ([("0.png", b"")], {}, r"0\.tar: member '0\.png' is empty; write the shard again"),
        ([GOOD, GOOD], {}, r"0\.tar: member '0\.png' is there twice"),
        ([GOOD, ("1.png", b"x"), ("0.depth.png", b"x")], {}, r"sample '0', which are in 0\.tar"),
        ([("../0.png", b"x")], {}, r"member '\.\./0\.png': names are KEY\.KIND"),
        ([("/etc/0.png", b"x")], {}, "names are KEY"),
        ([("noend", b"x")], {}, "member 'noend': names are KEY"),
        ([("0.png", b"x")], dict(type=tarfile.SYMTYPE, size=0), "is a link or a device"),
        ([], {}, "have no members"),
    ],
)
def test_bad_members_are_named(tmp_path: Path, members: list, info: dict, message: str) -> None:
    (tmp_path / "s").mkdir()
    tar(tmp_path / "s" / "0.tar", *members, **info)
    with pytest.raises(ValueError, match=message):
        foreign(tmp_path)


def test_bad_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no shards at"):
        foreign(tmp_path)
    (tmp_path / "s").mkdir()
    with pytest.raises(ValueError, match="no tar files in"):
        foreign(tmp_path)
    (tmp_path / "s" / "0.tar").write_bytes(b"<html>" * 200)
    with pytest.raises(ValueError, match=r"0\.tar is no whole tar file without compression"):
        foreign(tmp_path)


def test_a_truncated_or_changed_shard_is_named(shards: dict, tmp_path: Path) -> None:
    folder, dataset = tmp_path / "shards", DATASETS.build(shards)
    path = folder / "000000.tar"
    whole = path.read_bytes()
    source = dataset.get_data_info(0)["img_path"]
    path.write_bytes(whole[:700])
    with pytest.raises(ValueError, match=r"000000\.tar has 700 bytes, .* copy the shard again"):
        DATASETS.build(shards)
    read_member.cache_clear()
    with pytest.raises(BrokenFile, match=r"000000\.tar@.*its shard ends before"):
        dataset[0]
    (folder / "index.npz").unlink()
    with pytest.raises(ValueError, match=r"000000\.tar is no whole tar file|ends within '"):
        DATASETS.build(shards)
    path.write_bytes(bytes(len(whole)))
    with pytest.raises(BrokenFile, match=r"has something else there, .* remove index\.npz"):
        dataset[0]
    assert source.endswith("/0001.jpg")


def test_an_index_leads_nowhere_else(shards: dict, tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    index = ShardIndex.load(str(folder))

    def text(value: object) -> np.ndarray:
        return np.frombuffer(json.dumps(value).encode(), np.uint8)

    sizes = list(index.files.values())
    for wrong, message in (
        (dict(shards=text({"../000000.tar": sizes[0]})), "is not a tar file of this folder"),
        (dict(offset=index.offset + 2**40), "ends behind its shard"),
        (dict(offset=index.offset * 0), "before the first"),
        (dict(size=index.size * 0), "is empty"),
        (dict(shard=index.shard + 100), "a shard that it does not list"),
        (dict(kind=index.kind - 1), "a kind that it does not list"),
        (dict(member_ends=index.member_ends[::-1]), "not in order"),
        (dict(size=index.size[:-1]), "of the rest"),
        (dict(kinds=np.array([object()])), "allow_pickle|Object arrays"),
    ):
        if "kinds" in wrong:
            np.savez(folder / "index.npz", **{**vars(index), **wrong})
        else:
            replace(index, **wrong).save(folder)
        with pytest.raises(ValueError, match=rf"index\.npz is no index of shards .*{message}"):
            DATASETS.build(shards)
    np.savez_compressed(folder / "index.npz", **vars(index))
    with pytest.raises(ValueError, match="its arrays are compressed"):
        DATASETS.build(shards)
    (folder / "index.npz").write_bytes(b"no zip")
    with pytest.raises(ValueError, match="remove it where the shards are"):
        DATASETS.build(shards)


def test_wrong_samples_are_named(shards: dict, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"'normals': no sample in .* there are jpg, semantic\.png"
    ):
        DATASETS.build(dict(shards, targets=dict(normals=dict(type="NormalMap"))))
    (tmp_path / "s").mkdir()
    tar(tmp_path / "s" / "0.tar", ("0.scene.json", b"7"))
    targets = dict(scene=dict(type="ImageLabel", classes=("in", "out")))
    with pytest.raises(BrokenFile, match=r"sample '0' of 0\.tar has the members scene\.json: give"):
        foreign(tmp_path, targets=targets)
    shutil.rmtree(tmp_path / "s")
    (tmp_path / "s").mkdir()
    tar(
        tmp_path / "s" / "0.tar",
        ("0.png", png(tmp_path, make_image(3))),
        ("0.scene.json", b"7"),
        ("1.png", png(tmp_path, make_image(3))),
        ("1.scene.json", b"{" * 5000),
        ("2.png", png(tmp_path, make_image(3))),
        ("2.scene.json", b"1" + b" " * 2**20),
        ("3.png", png(tmp_path, make_image(3))),
        ("3.scene.json", b"true"),
    )
    dataset = foreign(tmp_path, targets=targets)
    for index in range(4):
        with pytest.raises(BrokenFile, match=rf"{index}\.scene\.json holds no value of this task"):
            dataset[index]


def test_what_cannot_be_written_is_refused(files: NYUv2Dataset, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    with pytest.raises(ValueError, match="full is not empty: give a new folder"):
        write_shards(files, tmp_path / "full")
    rooms = DATASETS.build(dict(type="RoomsDataset", length=1))
    with pytest.raises(ValueError, match="RoomsDataset has no image files"):
        write_shards(rooms, tmp_path / "rooms")
