"""Several labels, and numbers, of whole images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from mtlplugins.datasets import ImageLabel, ImageLabels, ImageNumbers

NAMES = ["a", "b/c", "d"]


def write(root: Path, **content) -> Path:
    (root / "values.json").write_text(json.dumps(content))
    return root


def test_labels_become_zeros_and_ones_in_the_order_of_the_classes(tmp_path: Path) -> None:
    labels = {"a.jpg": ["sea", "sky"], "b/c.jpg": []}
    target = ImageLabels("values.json")
    found = target.find(write(tmp_path, classes=["sky", "sand", "sea"], labels=labels), NAMES)
    assert set(found) == {"a", "b/c"}  # names may have a suffix; d has no target
    packed = target.pack(found["a"]).label
    assert torch.equal(packed, torch.tensor([1, 0, 1]))
    assert packed.dtype == torch.int64
    assert target.meta() == dict(kind="multilabel", classes=("sky", "sand", "sea"))
    assert target.describe(found["a"]) == dict(sky=1, sand=0, sea=1)
    tally = target.tally(found["a"])
    tally.add(target.tally(found["b/c"]))
    tally.add(target.tally(found["b/c"]))
    (doubt,) = tally.doubts("tags", target)
    assert "1 of its 3 classes never occur in the 3 images with this target: sand" in doubt
    assert "no truth" not in doubt


def test_numbers_become_vectors(tmp_path: Path) -> None:
    target = ImageNumbers("values.json", names=("x", "y"), unit="m")
    found = target.find(write(tmp_path, labels={"a": [1.5, -2], "d": [0, 3]}), NAMES)
    assert target.pack(found["a"]).numbers.tolist() == [1.5, -2.0]
    assert target.meta() == dict(kind="regression", names=("x", "y"), unit="m")
    assert target.describe(found["d"])["1 to 10"] == 1  # their mean is 1.5
    assert sum(target.describe(found["d"]).values()) == 1


def test_a_single_value_everywhere_is_said(tmp_path: Path) -> None:
    target = ImageNumbers("values.json")
    found = target.find(write(tmp_path, labels={"a": 23.5, "d": 23.5}), NAMES)
    assert target.meta()["names"] == ("0",)
    tally = target.tally(found["a"])
    tally.add(target.tally(found["d"]))
    (doubt,) = tally.doubts("age", target)
    assert "its only value in the 2 images with this target is 23.5" in doubt


@pytest.mark.parametrize(
    ("target", "content", "message"),
    [
        (ImageLabels, dict(classes=["x"], labels={"a": "x"}), "'a' has 'x': .*type ImageLabel"),
        (ImageLabels, dict(classes=["x"], labels={"a": ["y"]}), "'a' has class 'y', none of x"),
        (ImageLabels, dict(labels={"a": ["y"]}), "classes are None: expected a list of names"),
        (ImageLabels, dict(classes=["x", "x"], labels={}), "list 'x' 2 times"),
        (ImageLabels, dict(classes=["x"]), "expected .*image name: .class"),
        (ImageNumbers, dict(labels={"a": "3"}), "'a' has '3': expected .*number"),
        (ImageNumbers, dict(labels={"a": True}), "'a' has True"),
        (ImageNumbers, dict(labels={"a": float("nan")}), "all finite"),
        (ImageNumbers, dict(labels={"a": []}), r"'a' has \[\]"),
        (ImageNumbers, dict(labels={"a": 1, "d": [1, 2]}), r"'d' has 2 numbers, expected 1 \(0\)"),
        (ImageNumbers, [1], "expected .*TypeError"),
        (ImageLabel, dict(classes=["x"], labels={"a": ["x"]}), "ImageLabels, MultiLabelHead"),
        (ImageLabel, dict(classes=["x"], labels={"a": 2.5}), "ImageNumbers, RegressionHead"),
    ],
)
def test_other_content_is_named(tmp_path: Path, target, content, message) -> None:
    (tmp_path / "values.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"values.json.*{message}"):
        target("values.json").find(tmp_path, NAMES)


def test_a_file_without_these_images_is_named(tmp_path: Path) -> None:
    target = ImageNumbers("values.json")
    assert target.find(tmp_path, NAMES) == {}
    assert target.where(tmp_path, "a").endswith("values.json, which does not exist")
    assert target.find(write(tmp_path, labels={"other": 1}), NAMES) == {}
    assert "names images such as 'other', not 'a'" in target.where(tmp_path, "a")
