"""Classes of images in tables, and names of images as others write them there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtlplugins.datasets import ImageLabel
from mtlplugins.datasets.reading.label_names import labels_by_name
from tests._data import make_image, write


@pytest.mark.parametrize(
    "text",
    [
        "a.jpg,hall\nb.jpg,bath\nc.jpg,hall\n",
        "image,class\na,hall\nb,bath\nc,hall\n",
        "\ufeffa;hall\r\nb; bath\r\nc;hall\r\n",
        "# rooms\na\thall\n\nb\tbath\nc\thall\n",
        "a hall\nb bath\nc hall",
        '"label","file name"\n"hall","a"\n"bath","b"\n"hall","c"\n',
        "id,image_path,split,category\n7,photos/a.jpg,1,hall\n8,photos/b.jpg,1,bath\n"
        "9,photos/c.jpg,1,hall\n",
    ],
)
@pytest.mark.parametrize("name", ["rooms.csv", "rooms.txt"])
def test_a_table(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / name).write_text(text)
    target = ImageLabel(name)
    assert target.find(tmp_path, ["a", "b", "d", "c"]) == {"a": 1, "b": 0, "c": 1}
    assert target.meta()["classes"] == ("bath", "hall")
    ordered = ImageLabel(name, classes=["hall", "attic", "bath"])
    assert ordered.find(tmp_path, ["b", "c"]) == {"b": 2, "c": 0}


def test_numbers_are_indices_where_classes_are_given(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("x/a.jpg 1\nx/b.jpg 10\nx/c.jpg 2\n")
    plain = ImageLabel("train.txt")
    assert plain.find(tmp_path, ["x/a", "x/b", "x/c"]) == {"x/a": 0, "x/b": 2, "x/c": 1}
    assert plain.meta()["classes"] == ("1", "2", "10")
    named = ImageLabel("train.txt", classes=[*"abcdefghijk"])
    assert named.find(tmp_path, ["x/a", "x/b", "x/c"]) == {"x/a": 1, "x/b": 10, "x/c": 2}
    with pytest.raises(ValueError, match=r"'x/b\.jpg' has class 10, but there are 3, from 0 on"):
        ImageLabel("train.txt", classes=["a", "b", "c"]).find(tmp_path, ["x/a"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a hall\nb dining room\n", r"the line 'b dining room' was read as 3 words, .* by a comma"),
        ("a,hall\nb\n", r"the line 'b' was read as 1 words, \['b'\]; expected an image and its"),
        (
            "a,hall,3\n",
            r"the line .* was read as 3 words, .*or a first line that names the columns",
        ),
        ("a,hall\nb,\n", r"the line 'b,' was read as 2 words"),
        ("a,hall\na,bath\n", r"'a' has class 'hall' and, in the line 'a,bath', 'bath'"),
    ],
)
def test_an_unclear_line_is_shown(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "rooms.csv").write_text(text)
    with pytest.raises(ValueError, match=rf"rooms\.csv: {message}"):
        ImageLabel("rooms.csv").find(tmp_path, ["a"])


def test_an_unknown_class_in_a_table(tmp_path: Path) -> None:
    (tmp_path / "rooms.csv").write_text("a,hall\nb,lift\n")
    with pytest.raises(ValueError, match=r"rooms\.csv: 'b' has class 'lift', none of hall, bath"):
        ImageLabel("rooms.csv", classes=["hall", "bath"]).find(tmp_path, ["a"])


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    for name in ("cls/kitchen/a", "cls/office/b", "cls/office/deep/c"):
        write(tmp_path / f"{name}.jpg", make_image(1))
    target = ImageLabel("cls")
    names = ["kitchen/a", "office/b", "office/deep/c", "loose"]
    expected = {"kitchen/a": 0, "office/b": 1, "office/deep/c": 1}
    assert target.find(tmp_path, names) == expected
    assert target.meta()["classes"] == ("kitchen", "office")
    assert ImageLabel("cls", classes=["office"]).find(tmp_path, names) == {
        "office/b": 0,
        "office/deep/c": 0,
    }
    assert "whose folders are classes (kitchen, office)" in target.where(tmp_path, "loose")


@pytest.mark.parametrize(
    ("labels", "names", "expected"),
    [
        # suffixes, of several kinds, and not where the name has a dot
        ({"a.jpg": 1, "b.PNG": 2}, ["a", "b"], {"a": 1, "b": 2}),
        ({"a": 1, "b.jpg": 2}, ["a", "b"], {"a": 1, "b": 2}),
        ({"a.1": 1, "a.2": 2}, ["a", "a.1"], {"a.1": 1}),
        ({"a_rgb.png": 1, "b_rgb.png": 2}, ["a", "b"], {"a": 1, "b": 2}),
        ({"10.jpg": 1, "11.jpg": 2}, ["1"], {}),
        ({"10": 1, "11": 2}, ["1"], {}),
        # folders before all names
        ({"p/x/a.jpg": 1, "p/y/a.jpg": 2}, ["x/a", "y/a"], {"x/a": 1, "y/a": 2}),
        ({"/d/p/a": 1, "/d/p/b": 2, "/d/p/c": 3}, ["b"], {"b": 2}),
        ({"p\\a.jpg": 1, "p\\b.jpg": 2}, ["a", "b"], {"a": 1, "b": 2}),
        # a folder that not all have is part of the name
        ({"a": 1, "p/b": 2}, ["a", "b"], {"a": 1}),
        ({"x/a.jpg": 1, "y/b.jpg": 2}, ["a", "b"], {}),
        ({}, ["a"], {}),
    ],
)
def test_names_of_images(labels: dict, names: list[str], expected: dict) -> None:
    assert labels_by_name(labels, names, Path("f.json")) == expected


def test_two_names_of_one_image() -> None:
    assert labels_by_name({"a.jpg": 1, "a.png": 1}, ["a"], Path("f")) == {"a": 1}
    message = r"f\.csv: 'a\.(jpg|png)' and 'a\.(jpg|png)' have different labels, and are both read"
    with pytest.raises(ValueError, match=message):
        labels_by_name({"a.jpg": 1, "a.png": 2}, ["a"], Path("f.csv"))
