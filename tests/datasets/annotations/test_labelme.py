"""LabelMe's JSON, against maps written by hand."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mtlplugins.datasets import LabelMeLabelMap
from mtlplugins.datasets.reading.files import BrokenFile

CLASSES = ("background", "cat", "dog")


def shape(label: str, points: list, **more: Any) -> dict:
    return dict(label=label, points=points, **more)


def png(values: list) -> str:
    file = BytesIO()
    Image.fromarray(np.array(values, bool)).save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


def load(folder: Path, *shapes: dict, **more: Any) -> np.ndarray:
    (folder / "json").mkdir(exist_ok=True)
    content = dict(imageHeight=3, imageWidth=5, shapes=shapes) | more
    (folder / "json/a.json").write_text(json.dumps(content))
    target = LabelMeLabelMap(CLASSES, "json")
    return target.load(target.find(folder, ["a", "b"])["a"])


def test_shapes_are_painted_in_their_order(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        shape("dog", [[0, 0], [2, 0], [2, 2], [0, 2]], shape_type="polygon"),
        shape("cat", [[3, 3], [1, 1]], shape_type="rectangle"),
        shape("dog", [[3, 0], [4, 1]], shape_type="mask", mask=png([[0, 1], [1, 0]])),
    )
    assert found.tolist() == [[2, 2, 0, 0, 2], [2, 1, 1, 2, 0], [0, 1, 1, 0, 0]]
    circle = shape("dog", [[2.5, 1.5], [3.6, 1.5]], shape_type="circle")
    assert load(tmp_path, circle).tolist() == [[0, 0, 2, 0, 0], [0, 2, 2, 2, 0], [0, 0, 2, 0, 0]]
    assert not load(tmp_path).any()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (shape("cow", [[0, 0], [1, 0], [1, 1]]), r"shapes\[0\]: the category 'cow' is none of"),
        (shape("cat", [[0, 0], [1, 0]], shape_type="line"), "it is a line, which covers no area"),
        (shape("cat", [[0, 0]], shape_type="rectangle"), "a rectangle of 1 points, not of two"),
        (shape("cat", [[0, 0], [50, 0], [1, 1]]), r"\[50.0, 0.0\] is outside of the image"),
        (shape("cat", [[0, 0], [1, 1]], shape_type="mask"), "it has no 'mask'"),
        (shape("cat", [[0, 0], [1, 1]], shape_type="mask", mask="AAAA"), "no image in base64"),
        (
            shape("cat", [[4, 0], [5, 1]], shape_type="mask", mask=png([[0, 1], [1, 0]])),
            "is not inside of the image",
        ),
        (dict(points=[]), "it has no 'label', only 'points'"),
    ],
)
def test_a_broken_shape_is_named(tmp_path: Path, given: dict, words: str) -> None:
    with pytest.raises(BrokenFile, match=f"json/a.json: .*{words}"):
        load(tmp_path, given)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match=r"a.json: the file: its height None and width 5"):
        load(tmp_path, imageHeight=None)
    with pytest.raises(BrokenFile, match=r"a.json: the file: its 'shapes' is a object"):
        load(tmp_path, shapes={})
    (tmp_path / "json/a.json").write_text('{"shapes": [')
    with pytest.raises(BrokenFile, match=r"a.json is no complete JSON"):
        LabelMeLabelMap(CLASSES, "json").load(str(tmp_path / "json/a.json"))
