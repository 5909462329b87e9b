"""Depth maps, against arrays written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import mtlplugins  # noqa: F401
from mtlplugins.datasets import DepthMap, LabelMap
from mtlplugins.datasets.reading.files import BrokenFile
from tests._data import write


def there(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


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


def test_rotated_bits_of_sun_rgbd(tmp_path: Path) -> None:
    # the toolbox: bitor(bitshift(d, -3), bitshift(d, 13)), in millimetres
    path = write(tmp_path / "a.png", np.array([[8 * 1500, 1, 0]], np.uint16))
    depth = DepthMap(rotated_bits=3).load(str(path))
    np.testing.assert_allclose(depth, [[1.5, 8.192, 0]], rtol=1e-6)
    path = write(tmp_path / "a.npy", np.ones((1, 2), np.float32))
    with pytest.raises(BrokenFile, match="rotated_bits is for 16 bits, this file has float32"):
        DepthMap(suffix=".npy", rotated_bits=3).load(str(path))


def test_a_mask_beside_the_depth(tmp_path: Path) -> None:
    depth = DepthMap(suffix=(".png", "_depth.npy"), unit=1, valid_suffix="_mask.npy")
    path = write(tmp_path / "a_depth.npy", np.array([[[2.0], [3.0]]]))
    write(tmp_path / "a_mask.npy", np.array([[0.0, 1.0]]))
    np.testing.assert_array_equal(depth.load(str(path)), [[0, 3]])
    write(tmp_path / "a_mask.npy", np.array([[0.0], [1.0]]))
    with pytest.raises(BrokenFile, match=r"a_mask\.npy has shape \(2, 1\), the depth beside it"):
        depth.load(str(path))
    (tmp_path / "a_mask.npy").unlink()
    with pytest.raises(BrokenFile, match=r"a_mask\.npy"):
        depth.load(str(path))


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
def test_depth_is_not_an_image(tmp_path: Path, values: np.ndarray, message: str) -> None:
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
    if values.dtype.kind not in "ib":
        with pytest.raises(BrokenFile, match=r"a\.npy: a label map has one channel"):
            LabelMap(["sky"]).load(str(path))


@pytest.mark.parametrize("unit", [0, -1, float("inf"), float("nan"), "mm", None])
def test_a_unit_is_a_length(unit: object) -> None:
    with pytest.raises(ValueError, match=r"DepthMap: unit=.*give the metres per step"):
        DepthMap(unit=unit)


@pytest.mark.parametrize("missing", ["none", None, ["0"]])
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
    labels = np.array([[0, 255]], np.uint8)
    np.testing.assert_array_equal(LabelMap(["sky"]).zoom(labels, 2), labels)


def test_ranges_of_depth_are_counted() -> None:
    depth = np.array([[0, 0.2, 0.5, 0.99], [1, 9.9, 99, 1e6]], np.float32)
    counts = DepthMap().describe(depth)
    assert there(counts) == {
        "below 0.5 m": 1,
        "0.5 to 1 m": 2,
        "1 to 2 m": 1,
        "8 to 10 m": 1,
        "50 to 100 m": 1,
        "from 100 m": 1,
    }
    assert sum(counts.values()) == 7
    assert there(DepthMap().describe(np.zeros((3, 3), np.float32))) == {}


def test_disparity_inverse_and_logarithm(tmp_path: Path) -> None:
    """Depths of 1, 2 and 8 m, and a missing pixel, in four encodings."""
    depth = np.array([[1, 2, 8, 0]], np.float32)
    with np.errstate(divide="ignore"):
        stored = {
            "disparity": (540 * 0.2 / depth, dict(encoding="inverse", scale=540 * 0.2)),
            "inverse": (1 / depth, dict(encoding="inverse")),
            "log": (np.log(depth), dict(encoding="log")),
            "log10": (np.log10(depth), dict(encoding="log", unit=np.log(10).item())),
        }
    for name, (values, settings) in stored.items():
        path = write(tmp_path / f"{name}.npy", values)
        settings.setdefault("unit", 1)
        found = DepthMap(missing=np.inf, **settings).load(str(path))
        np.testing.assert_allclose(found, depth, rtol=1e-6, err_msg=name)


def test_disparity_in_steps_and_a_missing_value(tmp_path: Path) -> None:
    """Cityscapes: disparity = (stored - 1) / 256; here the offset is left to the data set."""
    path = write(tmp_path / "a.png", np.array([[0, 256 * 27, 256 * 54]], np.uint16))
    target = DepthMap(unit=1 / 256, encoding="inverse", scale=0.2 * 540)
    np.testing.assert_allclose(target.load(str(path)), [[0, 4, 2]], rtol=1e-6)


def test_distance_along_the_ray(tmp_path: Path) -> None:
    """A wall at 3 m: its distances by hand; the camera looks at the corner of four pixels."""
    fx, fy, cx, cy = 2.0, 4.0, 2.0, 1.0
    distance = np.array(
        [
            [
                3 * np.sqrt(1 + ((x + 0.5 - cx) / fx) ** 2 + ((y + 0.5 - cy) / fy) ** 2)
                for x in range(4)
            ]
            for y in range(2)
        ]
    )
    path = write(tmp_path / "a.npy", distance)
    found = DepthMap(unit=1, along_ray=(fx, fy, cx, cy)).load(str(path))
    np.testing.assert_allclose(found, np.full((2, 4), 3), rtol=1e-6)


@pytest.mark.parametrize("shape", [(2, 6, 1), (1, 2, 6)])
def test_one_channel_first_or_last(tmp_path: Path, shape: tuple[int, ...]) -> None:
    values = np.arange(12, dtype=np.float32)
    path = write(tmp_path / "a.npy", values.reshape(shape))
    np.testing.assert_array_equal(DepthMap(unit=1).load(str(path)), values.reshape(2, 6))


def test_several_missing_values(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", np.array([[0, 65535, 1000]], np.uint16))
    np.testing.assert_array_equal(DepthMap(missing=(0, 65535)).load(str(path)), [[0, 0, 1]])


@pytest.mark.parametrize(
    "wrong",
    [
        dict(encoding="disparity"),
        dict(scale=0),
        dict(along_ray=(500, 500)),
        dict(along_ray=(0, 500, 1, 1)),
        dict(missing=(0, "none")),
    ],
)
def test_wrong_encodings(wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"DepthMap: {next(iter(wrong))}=.* give"):
        DepthMap(**wrong)
