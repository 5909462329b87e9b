"""Labels of whole images, from JSON files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import mtlplugins  # noqa: F401
from mtlplugins.datasets import ImageLabel


def test_image_labels_are_indices_of_the_classes(tmp_path: Path) -> None:
    path = tmp_path / "scenes.json"
    content = {"classes": ["hall", "bath"], "labels": {"a": "bath", "b/c": "hall"}}
    path.write_text(json.dumps(content), encoding="utf-8-sig")  # as Windows' editors do
    target = ImageLabel("scenes.json")
    assert target.read(path) == {"a": 1, "b/c": 0}
    assert target.meta() == {"kind": "classification", "classes": ("hall", "bath")}
    ordered = ImageLabel("scenes.json", classes=["bath", "attic", "hall"])
    assert ordered.read(path) == {"a": 0, "b/c": 2}
    assert ordered.meta()["classes"] == ("bath", "attic", "hall")
    packed = target.pack(1)
    assert torch.equal(packed.label, torch.tensor([1]))
    assert packed.label.dtype == torch.int64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[1, 2]",
        "3",
        '"labels"',
        '{"a": "hall"}',
        '{"classes": ["hall"]}',
        '{"labels": {"a": "hall"}}',
        '{"classes": ["hall"], "labels": ["hall"]}',
        '{"classes": ["hall"], "labels": "hall"}',
        '{"classes": ["hall"], "labels": null}',
        "\udcff",
        pytest.param("[" * 100_000 + "]" * 100_000, id="deep"),
        pytest.param(
            '{"classes": ["hall"], "labels": {"a": ' + "9" * 5000 + "}}", id="5000 digits"
        ),
    ],
)
def test_a_file_of_another_form_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scenes.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r'scenes\.json: expected \{"classes": \[\.\.\.\], "lab'):
        ImageLabel("scenes.json").read(path)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("1", "classes are 1: expected a list of names in quotes"),
        ("null", "classes are None: expected a list of names"),
        ("[0, 1]", r"classes are \[0, 1\]: expected a list of names in quotes"),
        ('"ab"', "classes are 'ab': expected a list of names"),
        ('{"hall": 0}', "classes are {'hall': 0}: expected a list of names"),
        ('["a", "b", "a"]', "classes list 'a' 2 times: give each its own name"),
    ],
)
def test_classes_are_distinct_names(tmp_path: Path, classes: str, message: str) -> None:
    path = tmp_path / "scenes.json"
    path.write_text(f'{{"classes": {classes}, "labels": {{"x": "a"}}}}')
    with pytest.raises(ValueError, match=rf"scenes\.json: {message}"):
        ImageLabel("scenes.json").read(path)
    if classes != "null":
        with pytest.raises(ValueError, match=f"ImageLabel: {message}"):
            ImageLabel("scenes.json", classes=json.loads(classes))


@pytest.mark.parametrize("label", ["cellar", 0, None, ["hall"]])
def test_an_unknown_class_is_an_error(tmp_path: Path, label: object) -> None:
    path = tmp_path / "scenes.json"
    path.write_text(json.dumps({"classes": ["hall", "bath"], "labels": {"a": label}}))
    with pytest.raises(ValueError, match=r"scenes\.json: 'a' has class .*, none of hall, bath"):
        ImageLabel("scenes.json").read(path)


def test_an_image_counts_in_its_class() -> None:
    assert ImageLabel(classes=["hall", "attic"]).describe(1) == {"hall": 0, "attic": 1}
