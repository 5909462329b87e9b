from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import mtlplugins  # noqa: F401
from mtlplugins.datasets import DepthMap, ImageLabel, LabelMap, NormalMap
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.targets.colours import distinct_colours
from tests._data import write

LABELS = np.array([[0, 1, 2], [2, 255, 0]], np.uint8)
ABC = ("apple", "bread", "cheese")


def write_palette_image(path: Path, labels: np.ndarray) -> Path:
    image = Image.fromarray(labels)
    image.putpalette(  # makes it a palette image
        [200, 10, 10] + [10, 200, 10] + [90, 90, 90] * 254
    )
    image.save(path)
    return path


# label maps


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


def test_zero_can_mean_no_truth(tmp_path: Path) -> None:
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
        (np.zeros((2, 3, 3), np.uint8), r"shape \(2, 3, 3\) and type uint8"),
        (np.zeros((2, 3, 4), np.uint8), r"shape \(2, 3, 4\) and type uint8"),
        (np.zeros((2, 3), bool), r"shape \(2, 3\) and type bool"),
    ],
)
def test_a_label_map_has_one_channel_of_indices(
    tmp_path: Path, values: np.ndarray, seen: str
) -> None:
    path = write(tmp_path / "a.png", values)
    with pytest.raises(ValueError, match=rf"a\.png: a label map has one channel.*{seen}"):
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


def test_colours_are_distinct_and_valid() -> None:
    for count in (2, 14, 40, 150):
        colours = np.array(distinct_colours(count))
        assert colours.shape == (count, 3)
        assert colours.min() >= 0
        assert colours.max() <= 255
        assert len(np.unique(colours, axis=0)) == count
    apart = np.abs(np.array(distinct_colours(14))[:, None] - distinct_colours(14)).sum(-1)
    assert apart[~np.eye(14, dtype=bool)].min() > 30
    assert distinct_colours(40)[:14] == distinct_colours(14)


# depth


def test_millimetres_become_metres(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", np.array([[0, 1, 1500], [9999, 65535, 250]], np.uint16))
    depth = DepthMap(unit=0.001).load(str(path))
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, [[0, 0.001, 1.5], [9.999, 65.535, 0.25]], rtol=1e-6)


def test_missing_depth_becomes_zero(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", np.array([[65535, 2000, 0]], np.uint16))
    np.testing.assert_array_equal(DepthMap(missing=65535).load(str(path)), [[0, 2, 0]])
    values = np.array([[np.nan, np.inf, -np.inf, -1, 2.5]], np.float32)
    path = write(tmp_path / "a.npy", values)
    depth = DepthMap(unit=1, missing=-1).load(str(path))
    np.testing.assert_array_equal(depth, np.array([[0, 0, 0, 0, 2.5]], np.float32))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32])
def test_depth_comes_from_arrays_too(tmp_path: Path, kind: type) -> None:
    path = write(tmp_path / "a.npy", np.array([[1, 2], [4, 0]], kind))
    depth = DepthMap(unit=0.5, suffix=".npy").load(str(path))
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, [[0.5, 1], [2, 0]])
    packed = DepthMap().pack(depth[:, ::-1])
    assert torch.equal(packed.data, torch.tensor([[[1.0, 0.5], [0.0, 2.0]]]))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((2, 2), np.uint8), "8 bits cannot hold depth, write it as 16-bit PNG"),
        (np.ones((2, 2, 3), np.uint8), r"shape \(2, 2, 3\) and type uint8"),
    ],
)
def test_depth_is_not_a_picture(tmp_path: Path, values: np.ndarray, message: str) -> None:
    path = write(tmp_path / "a.png", values)
    with pytest.raises(ValueError, match=rf"a\.png: depth must have one channel.*{message}"):
        DepthMap().load(str(path))


@pytest.mark.parametrize(
    "values",
    [
        np.full((2, 2), "2.5"),
        np.full((2, 2), b"2.5"),
        np.full((2, 2), 2.5 + 1j),
        np.zeros((2, 2), "datetime64[s]"),
        np.zeros((2, 2), "timedelta64[s]"),
        np.zeros((2, 2), [("a", "f4")]),
        np.ones((2, 2), bool),
        np.ones((2, 2), np.int8),
    ],
    ids=lambda values: str(values.dtype),
)
def test_depth_is_of_numbers(tmp_path: Path, values: np.ndarray) -> None:
    path = write(tmp_path / "a.npy", values)
    with pytest.raises(BrokenFile, match=r"a\.npy: depth must have one channel.*and type"):
        DepthMap().load(str(path))
    if values.dtype.kind != "i":
        with pytest.raises(BrokenFile, match=r"a\.npy: a label map has one channel"):
            LabelMap(["sky"]).load(str(path))


@pytest.mark.parametrize("unit", [0, -1, float("inf"), float("nan"), "mm", None])
def test_a_unit_is_a_length(unit: object) -> None:
    with pytest.raises(ValueError, match=r"DepthMap: unit=.*give the metres per step"):
        DepthMap(unit=unit)


@pytest.mark.parametrize("missing", ["none", None, [0]])
def test_missing_is_a_number(missing: object) -> None:
    with pytest.raises(ValueError, match=r"DepthMap: missing=.*give the number"):
        DepthMap(missing=missing)


@pytest.mark.parametrize(
    ("head", "outside"),
    [
        (dict(min_depth=0.5, max_depth=10), 3),  # 0.4, 10.5 and 2000; 0 is missing
        (dict(min_depth=0.1, max_depth=3000), 0),
        (dict(), 1),  # 2000 m
        (dict(min_depth="near", max_depth=10), 1),
    ],
)
def test_depth_outside_of_a_heads_is_counted(head: dict, outside: int) -> None:
    values = np.array([[0, 0.4, 0.5], [10, 10.5, 2000]], np.float32)
    assert DepthMap().outside(values, head) == outside


def test_negative_depth_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npy", np.array([[1, -2.5]]))
    with pytest.raises(ValueError, match=r"a\.npy: depth of -2\.500 m is negative.*`missing`"):
        DepthMap(unit=1).load(str(path))


def test_what_is_enlarged_looks_closer() -> None:
    depth = np.array([[0, 3]], np.float32)
    np.testing.assert_array_equal(DepthMap().zoom(depth, 2), [[0, 1.5]])
    np.testing.assert_array_equal(LabelMap(ABC).zoom(LABELS, 2), LABELS)


# normals


def test_normals_keep_length_and_missing_pixels(tmp_path: Path) -> None:
    values = np.array([[[0, 0, -1], [0.6, 0, -0.8], [0, 0, 0], [np.nan, 0.6, -0.8]]])
    path = write(tmp_path / "a.npy", values)
    normals = NormalMap().load(str(path))
    assert normals.dtype == np.float32
    expected = np.array([[[0, 0, -1], [0.6, 0, -0.8], [0, 0, 0], [0, 0, 0]]], np.float32)
    np.testing.assert_array_equal(normals, expected)
    packed = NormalMap().pack(normals)
    assert packed.data.shape == (3, 1, 4)
    np.testing.assert_array_equal(packed.data.permute(1, 2, 0), expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 2)), r"shape \(2, 2\) and type float64"),
        (np.zeros((3, 2, 2), np.float32), r"shape \(3, 2, 2\) and type float32"),
        (np.zeros((2, 2, 3), np.uint16), r"shape \(2, 2, 3\) and type uint16"),
        (np.zeros((2, 2, 3), np.uint8), r"length 1, or 0 where missing.*1\.746"),
        (np.full((2, 2, 3), 0.5, np.float32), r"length 1, or 0 where missing.*0\.866"),
    ],
)
def test_bad_normals_are_errors(tmp_path: Path, values: np.ndarray, message: str) -> None:
    path = write(tmp_path / "a.npy", values)
    with pytest.raises(ValueError, match=rf"a\.npy: normals .*{message}"):
        NormalMap().load(str(path))


def test_normals_come_from_images_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(40, 50, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[0] = 0
    path = write(tmp_path / "a.png", (np.rint(127 * normals) + 128).astype(np.uint8))
    loaded = NormalMap().load(str(path))
    assert loaded.dtype == np.float32
    assert not loaded[0].any()
    np.testing.assert_allclose(np.linalg.norm(loaded[1:], axis=-1), 1, atol=1e-6)
    cross = np.linalg.norm(np.cross(loaded[1:].astype(float), normals[1:]), axis=-1)
    assert np.degrees(np.arcsin(cross)).max() < 0.4


# classes of images


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


# files


@pytest.mark.parametrize("kept", [0.0, 0.05, 0.5, 0.95])
@pytest.mark.parametrize("suffix", [".png", ".npy", ".tif"])
def test_an_incomplete_file_is_named(tmp_path: Path, suffix: str, kept: float) -> None:
    values = np.random.default_rng(0).integers(1, 60000, (40, 50)).astype(np.uint16)
    path = write(tmp_path / f"a{suffix}", values)
    whole = path.read_bytes()
    np.testing.assert_allclose(DepthMap().load(str(path)), values / 1000, rtol=1e-6)
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ValueError, match=rf"a\{suffix}: cannot be read .*complete"):
        DepthMap().load(str(path))


@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_what_is_no_array_or_not_there_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for _ in range(2):  # first not there, then a text
        with pytest.raises(ValueError, match=rf"a\{suffix}: cannot be read"):
            LabelMap(ABC).load(str(path))
        path.write_text("<html>404 Not Found</html>")
