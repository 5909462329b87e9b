"""Exports in the layout of Pascal VOC, and masks of one class each, against maps by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtlplugins.datasets import ClassMasksLabelMap, VocLabelMap
from mtlplugins.datasets.reading.files import BrokenFile
from tests._data import write

LABELMAP = """# label:color_rgb:parts:actions
background:0,0,0::
cat:64,128,64::
dog:128,0,0::
unsure:9,9,9::
"""
COLOURS = np.array([[[64, 128, 64], [0, 0, 0], [128, 0, 0], [9, 9, 9], [224, 224, 192]]], np.uint8)


def load(folder: Path, name: str = "a", classes: tuple = ("background", "cat", "dog")) -> list:
    target = VocLabelMap(classes)
    found = target.load(target.find(folder, [name])[name])
    assert found.dtype == np.int32
    return found.tolist()


def test_colours_are_those_of_labelmap(tmp_path: Path) -> None:
    (tmp_path / "labelmap.txt").write_text(LABELMAP)
    write(tmp_path / "SegmentationClass/a.png", COLOURS)
    indices = Image.fromarray(np.array([[7, 0, 2]], np.uint8))
    indices.putpalette([0, 0, 0] + [1, 1, 1] + [128, 0, 0] + [1, 1, 1] * 4 + [64, 128, 64])
    indices.save(tmp_path / "SegmentationClass/b.png")
    assert load(tmp_path) == [[1, 0, 2, 255, 255]]
    assert load(tmp_path, "b") == [[1, 0, 2]]
    target = VocLabelMap(["dog", "cat"])
    assert target.load(target.find(tmp_path, ["a"])["a"]).tolist() == [[1, 255, 0, 255, 255]]
    assert target.meta()["palette"] == [[128, 0, 0], [64, 128, 64]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("background:0,0,0::\ncat:1,1::\n", "the line 'cat:1,1::' is not of the form"),
        ("background:0,0,0::\ncat:1,1,256::\n", "is not of the form"),
        ("background:0,0,0::\ncat:0,0,0::\n", "the name or the colour of 'cat:0,0,0::' occurs"),
        ("background:0,0,0::\ncat:1,1,1::\n", r"has no label 'dog', only background, cat; correct"),
        ("# nothing\n", "lists no label"),
        (None, "there is no .*labelmap.txt, the colours of the labels"),
    ],
)
def test_a_broken_labelmap_is_named(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "labelmap.txt").write_text(text)
    with pytest.raises(ValueError, match=words):
        load(tmp_path)


def test_an_unknown_colour_is_named(tmp_path: Path) -> None:
    (tmp_path / "labelmap.txt").write_text(LABELMAP)
    write(tmp_path / "SegmentationClass/a.png", COLOURS + 1)
    with pytest.raises(BrokenFile, match=r"colour \[65, 129, 65\] \(row 0, column 0\) is that of"):
        load(tmp_path)
    Image.fromarray(COLOURS).save(tmp_path / "SegmentationClass/a.png", "jpeg")
    with pytest.raises(BrokenFile, match="JPEG"):
        load(tmp_path)


@pytest.mark.parametrize("files", ["masks/{class}/{name}.png", "masks/{name}_{class}.png"])
def test_one_mask_for_each_class(tmp_path: Path, files: str) -> None:
    masks = dict(cat=[[255, 255, 0, 0]], dog=[[0, 1, 0, 0]], truck=[[0, 0, 0, 1]])
    for name, values in masks.items():
        path = tmp_path / files.replace("{class}", name).replace("{name}", "trip/a")
        write(path, np.array(values, np.uint8))
    write(tmp_path / "masks/cat/b.png", np.zeros((1, 4), np.uint8))
    write(tmp_path / "masks/b_cat.png", np.zeros((1, 4), np.uint8))
    target = ClassMasksLabelMap(("background", "cat", "dog"), files, values=dict(truck="dog"))
    found = target.find(tmp_path, ["trip/a", "b", "c"])
    assert target.load(found["trip/a"]).tolist() == [[1, 2, 0, 2]]
    assert target.load(found["b"]).tolist() == [[0, 0, 0, 0]]
    assert list(found) == ["trip/a", "b"]
    assert target.where(tmp_path, "c").endswith(f"{tmp_path}/masks/background/c.png") or (
        target.where(tmp_path, "c").endswith("masks/c_background.png")
    )


def test_broken_masks_are_named(tmp_path: Path) -> None:
    target = ClassMasksLabelMap(("background", "cat", "dog"), "{class}/{name}.png")
    write(tmp_path / "cat/a.png", np.array([[0, 1, 2]], np.uint8))
    with pytest.raises(BrokenFile, match=r"cat/a.png: a mask .* one value besides 0.* 1, 2"):
        target.load(target.find(tmp_path, ["a"])["a"])
    write(tmp_path / "cat/a.png", np.array([[0, 1, 1]], np.uint8))
    write(tmp_path / "dog/a.png", np.array([[0, 1]], np.uint8))
    with pytest.raises(BrokenFile, match=r"dog/a.png is 2 x 1 pixels, .*cat/a.png is 3 x 1"):
        target.load(target.find(tmp_path, ["a"])["a"])
    with pytest.raises(ValueError, match=r"files='masks', give a path with \{class\} and \{name\}"):
        ClassMasksLabelMap(("background", "cat"), "masks")
