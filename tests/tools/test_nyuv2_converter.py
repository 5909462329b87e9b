from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import nyuv2
import pytest
from nyuv2_labeled import KNOWN_LABELS, ConversionError, Meta

from mtlplugins.io.atomic_file import write_atomically, write_bytes_atomically

META = replace(Meta.official(), frames=5, test=[2, 5])
SCENES = ["kitchen", "bedroom", "kitchen", "", "office"]
FOLDERS = ("image", "depth", "semantic13", "semantic40")
Change = Callable[[h5py.File], None]


def write_strings(file: h5py.File, key: str, texts: list[str]) -> None:
    """Write a cell array as MATLAB 7.3 does, empty strings included."""
    references = np.empty((1, len(texts)), dtype=h5py.ref_dtype)
    for i, text in enumerate(texts):
        codes = np.array([[ord(c)] for c in text], np.uint16) if text else np.zeros(2, np.uint64)
        cell = file.create_dataset(f"#refs#/{key}{i}", data=codes)
        if not text:
            cell.attrs["MATLAB_empty"] = 1
        references[0, i] = cell.ref
    file[key] = references


def natural_frames() -> dict[str, np.ndarray]:
    """Five frames, upright, with something recognisable in each corner."""
    images = np.full((5, 480, 640, 3), 90, np.uint8)
    images[:, :240, :320] = (250, 10, 20)  # top left red
    images[:, 240:, :320] = (10, 20, 250)  # bottom left blue
    depths = np.full((5, 480, 640), 2.0, np.float32)
    depths[:, 0, 639] = 0.7134  # top right
    depths[:, 479, 0] = 9.9956  # bottom left
    depths[:, 10:20, 10:20] = 0  # missing
    depths += np.where(depths == 2, np.arange(5, dtype=np.float32)[:, None, None], 0)
    labels = np.zeros((5, 480, 640), np.uint16)
    labels[:, 0, 639] = KNOWN_LABELS["wall"]
    labels[:, 479, 0] = KNOWN_LABELS["bed"]
    labels[:, 240:, 320:] = 894  # the last label: "coffee pot" or "torah", otherprop
    return {"images": images, "depths": depths, "labels": labels}


def write_mat(path: Path) -> Path:
    names = [f"label {i}" for i in range(1, 895)]
    for name, label in KNOWN_LABELS.items():
        names[label - 1] = name
    with h5py.File(path, "w", userblock_size=512) as file:
        for key, array in natural_frames().items():
            file[key] = array.transpose(0, *range(array.ndim - 1, 0, -1))
        write_strings(file, "names", names)
        write_strings(file, "sceneTypes", SCENES)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
    return path


@pytest.fixture(scope="module")
def mat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mat(tmp_path_factory.mktemp("mat") / "nyu_depth_v2_labeled.mat")


@pytest.fixture(scope="module")
def converted(mat: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("converted")
    nyuv2.convert(mat, out, meta=META)
    return out


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def contents(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }


def test_every_file_is_there_and_no_other(converted: Path) -> None:
    frames = {
        f"{folder}/{number:04d}.{'jpg' if folder == 'image' else 'png'}"
        for folder in FOLDERS
        for number in range(1, 6)
    }
    lists = {"splits/train.txt", "splits/test.txt", "classes.json", "scenes.json"}
    assert set(contents(converted)) == frames | lists


def test_image_is_upright_and_rgb(converted: Path) -> None:
    bgr = read(converted / "image" / "0001.jpg").astype(int)
    assert bgr.shape == (480, 640, 3)
    for row, column, rgb in ((100, 100, (250, 10, 20)), (400, 100, (10, 20, 250))):
        assert np.abs(bgr[row, column, ::-1] - rgb).max() <= 4
    assert np.abs(bgr[100, 500] - 90).max() <= 4


def test_depth_is_in_millimetres_and_zero_stays_missing(converted: Path) -> None:
    for number in range(1, 6):
        depth = read(converted / "depth" / f"{number:04d}.png")
        assert depth.dtype == np.uint16
        assert depth.shape == (480, 640)
        assert (depth[0, 639], depth[479, 0]) == (713, 9996)  # rounded, not cut off
        assert (depth[10:20, 10:20] == 0).all()
        assert (depth == 0).sum() == 100
        assert depth[300, 300] == 1000 * (number + 1)


def test_labels_become_classes(converted: Path) -> None:
    semantic40 = read(converted / "semantic40" / "0003.png")
    semantic13 = read(converted / "semantic13" / "0003.png")
    classes = json.loads((converted / "classes.json").read_text())
    for semantic, key, other in (
        (semantic40, "classes40", "otherprop"),
        (semantic13, "classes13", "objects"),
    ):
        assert semantic.dtype == np.uint8
        found = [classes[key][semantic[at]] for at in ((0, 639), (479, 0), (479, 639), (0, 0))]
        assert found == ["wall", "bed", other, "void"]
    assert (np.array(classes["map40to13"])[semantic40] == semantic13).all()


def test_lists(converted: Path) -> None:
    assert (converted / "splits" / "train.txt").read_text() == "0001\n0003\n0004\n"
    assert (converted / "splits" / "test.txt").read_text() == "0002\n0005\n"
    scenes = json.loads((converted / "scenes.json").read_text())
    assert scenes["classes"] == ["", "bedroom", "kitchen", "office"]
    assert scenes["labels"] == {f"{i:04d}": scene for i, scene in enumerate(SCENES, 1)}


def test_normals_on_demand(mat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nyuv2.Meta, "official", lambda: META)
    command = ["nyuv2.py", str(mat), str(tmp_path), "--size", "96", "128", "--normals"]
    monkeypatch.setattr(sys, "argv", command)
    nyuv2.main()
    files = sorted((tmp_path / "normals").iterdir())
    assert [file.name for file in files] == [f"{number:04d}.png" for number in range(1, 6)]
    # a wall straight ahead, and what the depth camera does not see
    assert read(files[2])[[48, 0], [64, 64], ::-1].tolist() == [[128, 128, 1], [128, 128, 128]]


def test_official_facts() -> None:
    meta = Meta.official()
    assert meta.frames == 1449
    assert len(set(meta.test)) == len(meta.test) == 654
    assert (min(meta.test), max(meta.test)) == (1, 1449)
    assert len(meta.map894to40) == 895
    assert set(meta.map894to40) == set(range(41))
    for name, label in KNOWN_LABELS.items():
        assert meta.classes40[meta.map894to40[label]] == name
        same = meta.classes13[meta.map40to13[meta.map894to40[label]]]
        assert same == {"door": "wall"}.get(name, name)  # 13 classes count doors as walls


def test_size_takes_the_pixel_in_the_middle_of_depth_and_labels(
    mat: Path, converted: Path, tmp_path: Path
) -> None:
    nyuv2.convert(mat, tmp_path, meta=META, size=(96, 128))
    assert read(tmp_path / "image" / "0002.jpg").shape == (96, 128, 3)
    for folder in ("depth", "semantic13", "semantic40"):
        whole = read(converted / folder / "0002.png")
        small = read(tmp_path / folder / "0002.png")
        assert len(np.unique(small)) == 2
        assert (small == whole[2::5, 2::5]).all()


def test_interrupted_run_is_taken_up(
    mat: Path, converted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def half(path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    def killed_in_the_tenth_file(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 10:
            write_atomically(path, half)
        write_bytes_atomically(path, content)

    monkeypatch.setattr(nyuv2, "write_bytes_atomically", killed_in_the_tenth_file)
    with pytest.raises(KeyboardInterrupt):
        nyuv2.convert(mat, tmp_path, meta=META)
    monkeypatch.undo()
    assert not (tmp_path / "splits").exists()
    finished = {path: path.stat().st_mtime_ns for path in written[:8]}  # two frames of four

    nyuv2.convert(mat, tmp_path, meta=META)
    assert contents(tmp_path) == contents(converted)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished


def test_other_size_in_the_same_folder_is_refused(converted: Path, mat: Path) -> None:
    before = contents(converted)
    with pytest.raises(ConversionError, match=r"is 480x640, wanted is 96x128; choose another"):
        nyuv2.convert(mat, converted, meta=META, size=(96, 128))
    assert contents(converted) == before


def test_full_disk_is_noticed_before_the_work(
    mat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = nyuv2.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(nyuv2.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ConversionError, match=r"0\.0 GB free; make room"):
        nyuv2.convert(mat, tmp_path, meta=META)
    assert not list(tmp_path.rglob("*.jpg"))


def raw(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def edited(change: Change) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            change(file)

    return edit


def replaced(key: str, shape: tuple[int, ...], dtype: str) -> Callable[[Path], None]:
    def change(file: h5py.File) -> None:
        del file[key]
        file.create_dataset(key, shape, dtype, chunks=True)

    return edited(change)


def scaled_depth(file: h5py.File) -> None:
    file["depths"][1] = file["depths"][1] * 1000


def nan_depth(file: h5py.File) -> None:
    file["depths"][0, 5, 5] = np.nan


def large_label(file: h5py.File) -> None:
    file["labels"][0, 5, 5] = 895


def other_names(file: h5py.File) -> None:
    file[file["names"][0, 20]][0] = ord("x")


BAD = {
    "web page": (raw(b"\n<!DOCTYPE html><html>"), r"web page"),
    "matlab 5": (raw(b"MATLAB 5.0 MAT-file" + bytes(600)), r"MATLAB 5\.0 .* use the original"),
    "something": (raw(b"PK\3\4"), r"no HDF5 file \(4 bytes\)"),
    "empty": (raw(b""), r"no HDF5 file \(0 bytes\)"),
    "truncated": (cut_short, r"cut short or damaged .* download it again"),
    "no file": (Path.unlink, r"does not exist; get nyu_depth_v2_labeled\.mat"),
    "keys": (edited(lambda f: f.pop("labels")), r"has no labels; it has #refs#, depths, images"),
    "shape": (replaced("images", (5, 480, 640, 3), "u1"), r"images has shape \(5, 480, 640, 3\)"),
    "frames": (replaced("depths", (4, 640, 480), "f4"), r"depths has 4 frames, .* has 5"),
    "type": (replaced("labels", (5, 640, 480), "i4"), r"labels is int32, expected uint16"),
    "cells": (replaced("sceneTypes", (1, 5), "u2"), r"sceneTypes is no cell array of strings"),
    "scenes": (replaced("sceneTypes", (1, 4), h5py.ref_dtype), r"sceneTypes has 4 .* 5"),
    "nothing": (replaced("sceneTypes", (1, 5), h5py.ref_dtype), r"sceneTypes is damaged"),
    "names": (edited(other_names), r"label 21 should be 'wall'"),
    "millimetres": (edited(scaled_depth), r"frame 2: depth runs from 0 to 9995\.6, .* metres"),
    "not a number": (edited(nan_depth), r"frame 1: depth runs from nan"),
    "label": (edited(large_label), r"frame 1: label 895, the largest is 894"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD.values(), ids=BAD)
def test_bad_file_is_named_and_explained(
    spoil: Callable[[Path], None], message: str, mat: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mat"
    bad.write_bytes(mat.read_bytes())
    spoil(bad)
    with pytest.raises(ConversionError, match=message) as caught:
        nyuv2.convert(bad, tmp_path / "out", meta=META)
    assert str(bad) in str(caught.value)
    assert not (tmp_path / "out" / "splits").exists()


@pytest.mark.slow
def test_script_reports_in_one_line(mat: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, nyuv2.__file__, str(mat), str(tmp_path / "out")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.fullmatch(r"error: .*images has 5 frames, the data set has 1449\n", done.stderr)
