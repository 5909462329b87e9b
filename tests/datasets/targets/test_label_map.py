"""Label maps, against arrays written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import mtlplugins  # noqa: F401
from mtlplugins.datasets import LabelMap, TaskonomyLabelMap
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.targets.colours import distinct_colours
from tests._data import write

LABELS = np.array([[0, 1, 2], [2, 255, 0]], np.uint8)
ABC = ("apple", "bread", "cheese")


def there(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def write_palette_image(path: Path, labels: np.ndarray) -> Path:
    image = Image.fromarray(labels)
    image.putpalette(  # makes it a palette image
        [200, 10, 10] + [10, 200, 10] + [90, 90, 90] * 254
    )
    image.save(path)
    return path


@pytest.mark.parametrize(
    "labels",
    [LABELS, LABELS.astype(np.uint16), LABELS.astype(np.int64), LABELS.astype(np.int32)],
    ids=lambda labels: labels.dtype.name,
)
def test_labels_are_read_whatever_their_type(tmp_path: Path, labels: np.ndarray) -> None:
    suffix = ".png" if labels.itemsize <= 2 else ".npy"
    path = write(tmp_path / f"a{suffix}", labels)
    loaded = LabelMap(ABC).load(str(path))
    assert loaded.dtype == np.int32
    np.testing.assert_array_equal(loaded, [[0, 1, 2], [2, 255, 0]])


def test_a_palette_image_gives_indices_not_colours(tmp_path: Path) -> None:
    path = write_palette_image(tmp_path / "a.png", LABELS)
    np.testing.assert_array_equal(LabelMap(ABC).load(str(path)), LABELS)


def test_zero_can_mean_no_ground_truth(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", np.array([[0, 1, 2, 3, 255]], np.uint8))
    target = LabelMap(ABC, reduce_zero_label=True)
    np.testing.assert_array_equal(target.load(str(path)), [[255, 0, 1, 2, 255]])


def test_the_ignored_label_can_be_any_that_is_no_class(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npy", np.array([[-1, 0, 2]]))
    target = LabelMap(ABC, ignore_index=-1)
    np.testing.assert_array_equal(target.load(str(path)), [[-1, 0, 2]])
    assert target.invalid == -1
    wide = LabelMap([f"c{i}" for i in range(300)], ignore_index=65535)
    path = write(tmp_path / "b.png", np.array([[255, 299, 65535]], np.uint16))
    np.testing.assert_array_equal(wide.load(str(path)), [[255, 299, 65535]])


def test_labels_are_packed_as_int64() -> None:
    packed = LabelMap(ABC).pack(LABELS.astype(np.int32))
    assert torch.equal(packed.data, torch.tensor([[[0, 1, 2], [2, 255, 0]]]))
    assert packed.data.dtype == torch.int64


@pytest.mark.parametrize(("stored", "reduce"), [(3, False), (254, False), (4, True)])
def test_a_label_that_is_no_class_is_named_as_stored(
    tmp_path: Path, stored: int, reduce: bool
) -> None:
    path = write(tmp_path / "a.png", np.array([[1, stored, 2]], np.uint8))
    message = rf"a\.png: label {stored} is none of the 3 classes \(apple … cheese\)"
    with pytest.raises(ValueError, match=message):
        LabelMap(ABC, reduce_zero_label=reduce).load(str(path))


def test_a_negative_label_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npy", np.array([[0, -1]]))
    with pytest.raises(ValueError, match="label -1 is none of the 3 classes"):
        LabelMap(ABC).load(str(path))


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        (np.zeros((2, 3, 2), np.uint8), r"shape \(2, 3, 2\) and type uint8"),
        (np.zeros((2, 3, 3), np.int32), r"shape \(2, 3, 3\) and type int32"),
        (np.zeros((2, 3), np.float32), r"shape \(2, 3\) and type float32"),
    ],
)
def test_a_label_map_has_one_channel_of_indices(
    tmp_path: Path, values: np.ndarray, seen: str
) -> None:
    path = write(tmp_path / "a.npy", values)
    with pytest.raises(ValueError, match=rf"a\.npy: a label map has one channel.*{seen}"):
        LabelMap(ABC).load(str(path))


def test_classes_palette_and_ignored_label_must_agree() -> None:
    with pytest.raises(ValueError, match="ignore_index=255 is one of the 300 classes"):
        LabelMap([f"c{i}" for i in range(300)])
    with pytest.raises(ValueError, match=r"ignore_index=3 .* call 1 to 3; .* such as 4 or -1"):
        LabelMap(ABC, ignore_index=3, reduce_zero_label=True)
    assert LabelMap(ABC, ignore_index=3).ignore_index == 3
    with pytest.raises(ValueError, match="palette has 2 colours for 3 classes"):
        LabelMap(ABC, palette=[[0, 0, 0], [1, 1, 1]])


def test_label_maps_describe_themselves() -> None:
    colours = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert LabelMap(ABC, palette=colours, ignore_index=9).meta() == {
        "kind": "segmentation",
        "classes": ABC,
        "palette": colours,
        "ignore_index": 9,
    }
    assert LabelMap(ABC).meta()["palette"] == distinct_colours(3)


def test_classes_are_counted() -> None:
    labels = np.array([[0, 2, 2], [255, 2, 0]], np.int32)
    counts = LabelMap(["sky", "sea", "sand"]).describe(labels)
    assert counts == {"sky": 2, "sea": 0, "sand": 3}
    assert list(counts) == ["sky", "sea", "sand"]
    assert LabelMap(["a", "b", "a"], ignore_index=-1).describe(np.array([[0, 2, -1]])) == {
        "a": 2,
        "b": 0,
    }
    labels = TaskonomyLabelMap("x", ".png").convert(np.array([[0, 1, 17]], np.uint8), "a.png")
    counts = TaskonomyLabelMap("x", ".png").describe(labels)
    assert there(counts) == {"background": 1, "vase": 1}


def test_mmsegs_map_of_labels_changes_what_it_lists(tmp_path: Path) -> None:
    """By hand: 33 is bread, cheese becomes bread, 1 is ignored; 0 and 255 stay."""
    path = write(tmp_path / "a.png", np.array([[0, 1, 2, 33, 255]], np.uint8))
    target = LabelMap(ABC, label_map={33: 1, 2: 1, 1: 255})
    np.testing.assert_array_equal(target.load(str(path)), [[0, 255, 1, 1, 255]])
    with pytest.raises(BrokenFile, match=r"value 33 .* is not among the 4 `values`"):
        LabelMap(ABC, label_map={2: 1}).load(str(path))


def test_values_stand_for_classes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", np.array([[0, 7, 26, 255]], np.uint8))
    values = {0: None, 7: "bread", 26: "apple", 255: 2}
    np.testing.assert_array_equal(LabelMap(ABC, values=values).load(str(path)), [[255, 1, 0, 2]])
    del values[26]
    with pytest.raises(
        BrokenFile, match=r"value 26 \(row 0, column 2\) is not among the 3 `values`"
    ):
        LabelMap(ABC, values=values).load(str(path))
    ignoring = LabelMap(ABC, values=values, unlisted="ignore", ignore_index=-1)
    np.testing.assert_array_equal(ignoring.load(str(path)), [[-1, 1, -1, 2]])


def test_a_binary_mask(tmp_path: Path) -> None:
    mask = np.array([[0, 255, 255], [0, 0, 255]], np.uint8)
    Image.fromarray(mask).convert("1").save(tmp_path / "bits.png")
    write(tmp_path / "bytes.png", mask)
    want = mask // 255
    found = LabelMap(("ground", "house")).load(str(tmp_path / "bits.png"))
    np.testing.assert_array_equal(found, want)
    target = LabelMap(("ground", "house"), values={0: "ground", 255: "house"}, ignore_index=254)
    np.testing.assert_array_equal(target.load(str(tmp_path / "bytes.png")), want)


def test_colours_stand_for_classes(tmp_path: Path) -> None:
    palette = [[0, 0, 0], [128, 0, 0], [0, 128, 0]]
    colours = np.array([*palette, [224, 224, 192]], np.uint8)[[[0, 1, 2], [3, 1, 0]]]
    path = write(tmp_path / "a.png", colours)
    target = LabelMap(ABC, palette=palette, ignore_colours=[[224, 224, 192]])
    np.testing.assert_array_equal(target.load(str(path)), [[0, 1, 2], [255, 1, 0]])
    transparent = np.dstack([colours, np.full((2, 3), 255, np.uint8)])
    alpha = write(tmp_path / "alpha.png", transparent)
    np.testing.assert_array_equal(target.load(str(alpha)), [[0, 1, 2], [255, 1, 0]])
    unknown = r"colour \[224, 224, 192\] \(row 1, column 0\) is that of no class; add it"
    with pytest.raises(BrokenFile, match=unknown):
        LabelMap(ABC, palette=palette).load(str(path))
    twice = [[0, 0, 0], [1, 1, 1], [0, 0, 0]]  # enough for drawing
    with pytest.raises(BrokenFile, match=r"two colours .* are the same"):
        LabelMap(ABC, palette=twice).load(str(path))
    with pytest.raises(BrokenFile, match=r"holds colours: give the target `palette`"):
        LabelMap(ABC).load(str(path))
    grey = write(tmp_path / "grey.png", np.repeat(LABELS[..., None], 3, axis=2))
    np.testing.assert_array_equal(LabelMap(ABC).load(str(grey)), LABELS)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(values={0: "plum"}), r"values\[0\]='plum' is none of the classes apple, bread"),
        (dict(values={0: 3}), r"values\[0\]=3 is none"),
        (dict(values={0.5: 1}), r"values has 0.5, give whole numbers"),
        (dict(values={0: 0}, unlisted="drop"), r"unlisted='drop', give"),
        (dict(values={0: 0}, reduce_zero_label=True), "only one"),
        (dict(values={0: 0}, label_map={0: 0}), "only one"),
        (dict(label_map={0: 3}), r"values\[0\]=3 is none"),
        (dict(ignore_colours=[[0, 0, 0]]), "ignore_colours without palette"),
    ],
)
def test_wrong_values_and_colours(settings: dict, words: str) -> None:
    with pytest.raises(ValueError, match=f"LabelMap: .*{words}"):
        LabelMap(ABC, **settings)
