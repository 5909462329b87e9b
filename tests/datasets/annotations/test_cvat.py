"""CVAT's XML, against maps written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtlplugins.datasets import CvatLabelMap
from mtlplugins.datasets.reading.files import BrokenFile

CLASSES = ("background", "cat", "dog")


def find(folder: Path, inside: str, around: str = "{}") -> dict:
    image = f'<image id="0" name="x/a.png" width="5" height="3">{inside}</image>'
    text = f'<?xml version="1.0" encoding="utf-8"?><annotations>{image}</annotations>'
    (folder / "annotations.xml").write_text(around.format(text))
    return CvatLabelMap(CLASSES, "annotations.xml").find(folder, ["a"])


def load(folder: Path, inside: str) -> np.ndarray:
    return CvatLabelMap(CLASSES, "annotations.xml").load(find(folder, inside)["a"])


def test_shapes_are_painted_by_their_order(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        '<polygon label="dog" points="0,0;2,0;2,2;0,2" z_order="1"><attribute/></polygon>'
        '<box label="cat" xtl="1" ytl="1" xbr="3" ybr="3"/>'
        '<mask label="cat" rle="1, 2, 1" left="3" top="0" width="2" height="2" z_order="2"/>'
        '<tag label="indoor"/>',
    )
    assert found.tolist() == [[2, 2, 0, 0, 1], [2, 2, 1, 1, 0], [0, 1, 1, 0, 0]]
    # 3 wide and 1 high, upright after a quarter turn
    box = load(tmp_path, '<box label="cat" xtl="1" ytl="1" xbr="4" ybr="2" rotation="90"/>')
    assert box.tolist() == [[0, 0, 1, 0, 0]] * 3
    oval = load(tmp_path, '<ellipse label="dog" cx="2.5" cy="1.5" rx="2.2" ry="0.7"/>')
    assert oval.tolist() == [[0, 0, 0, 0, 0], [2, 2, 2, 2, 2], [0, 0, 0, 0, 0]]
    assert not load(tmp_path, "").any()


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ('<polygon label="cow" points="0,0;1,0;1,1"/>', r"shape 0 \(polygon\): the category 'cow'"),
        ('<polyline label="cat" points="0,0;1,0"/>', "covers no area"),
        ('<polygon label="cat" points="0,0;1"/>', "no pairs of numbers"),
        ('<polygon label="cat" points="0,0;99,0;1,1"/>', r"\[99.0, 0.0\] is outside"),
        ('<box label="cat" xtl="1" ytl="1" xbr="3"/>', "xtl, ytl, xbr, ybr are not all numbers"),
        ('<mask label="cat" rle="1, x" left="0" top="0" width="2" height="1"/>', "rle is no list"),
        ('<polygon label="cat" points="0,0;1,0;1,1" z_order="x"/>', "invalid literal"),
    ],
)
def test_a_broken_shape_is_named(tmp_path: Path, inside: str, words: str) -> None:
    with pytest.raises(BrokenFile, match=f"annotations.xml: image 'x/a.png', .*{words}"):
        find(tmp_path, inside)


def test_broken_files(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match=r"no complete XML \(.*line 1"):
        find(tmp_path, "<box")
    with pytest.raises(BrokenFile, match="declares a document type"):
        find(tmp_path, "", '<!DOCTYPE a [<!ENTITY b "c">]>{}'.replace("<?xml", ""))
    (tmp_path / "annotations.xml").write_text("<annotations><track id='0'/></annotations>")
    with pytest.raises(
        BrokenFile, match=r"has no <image>, but \['track'\]; export it as 'CVAT for"
    ):
        CvatLabelMap(CLASSES, "annotations.xml").find(tmp_path, ["a"])
    (tmp_path / "annotations.xml").write_text("")
    with pytest.raises(BrokenFile, match=r"no complete XML \(it is empty"):
        CvatLabelMap(CLASSES, "annotations.xml").find(tmp_path, ["a"])
