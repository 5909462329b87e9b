"""Numbers per pixel and flow, against values written by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mtlplugins.datasets import FlowMap, ValueMap
from mtlplugins.datasets.reading.files import BrokenFile
from tests._data import write


def test_values_of_an_image_with_factor_and_offset(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", np.array([[0, 255, 51]], np.uint8))
    target = ValueMap(suffix=".png", factor=2 / 255, offset=-1, missing=0)
    values = target.load(str(path))
    np.testing.assert_allclose(values[..., 0], [[np.nan, 1, -0.6]], rtol=1e-6)
    assert values.dtype == np.float32
    packed = target.pack(values[..., 0])  # as OpenCV leaves one value
    assert packed.data.shape == (1, 1, 3)
    assert {k: v for k, v in target.describe(values).items() if v} == {"-1 to 0": 1, "1 to 10": 1}


def test_chosen_channels_and_their_validity(tmp_path: Path) -> None:
    stored = np.zeros((1, 3, 4))
    stored[0] = [[1, 2, 3, 1], [4, 5, 6, 0], [np.inf, 7, 8, 1]]
    path = write(tmp_path / "a.npy", stored)
    values = ValueMap(channels=(2, 0), valid_channel=3).load(str(path))
    np.testing.assert_array_equal(values, [[[3, 1], [np.nan] * 2, [np.nan] * 2]])


def test_kitti_s_flow(tmp_path: Path) -> None:
    # the development kit: flow = (stored - 2^15) / 64, the third channel is 1 where it is valid
    stored = np.zeros((1, 2, 3), np.uint16)
    stored[0, 0] = 32768 + 64 * 5, 32768 - 32, 1
    cv2.imwrite(str(tmp_path / "a.png"), stored[..., ::-1])  # OpenCV writes BGR as RGB
    kitti = FlowMap(suffix=".png", factor=1 / 64, offset=-512, valid_channel=2)
    np.testing.assert_array_equal(
        kitti.load(str(tmp_path / "a.png")), [[[5, -0.5], [np.nan, np.nan]]]
    )


def test_factor_and_offset_of_each_channel(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npy", np.array([[[1, 2]]]))
    flow = FlowMap(suffix=".npy", factor=(10, 100), offset=(-1, 0.5))
    np.testing.assert_array_equal(flow.load(str(path)), [[[9, 200.5]]])


def flo(width: int, height: int, numbers: list[float]) -> bytes:
    head = np.array([202021.25], "<f4").tobytes() + np.array([width, height], "<i4").tobytes()
    return head + np.array(numbers, "<f4").tobytes()


def test_middlebury_s_flow(tmp_path: Path) -> None:
    path = tmp_path / "a.flo"
    path.write_bytes(flo(2, 1, [1.5, -2, 2e9, 0]))
    np.testing.assert_array_equal(FlowMap().load(str(path)), [[[1.5, -2], [np.nan, np.nan]]])


@pytest.mark.parametrize(
    "content", [b"", b"PIEH", flo(2, 1, [1.0, 2, 3]), flo(-2, -1, [0.0] * 4), flo(2, 1, [0.0] * 6)]
)
def test_broken_flow_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.flo").write_bytes(content)
    with pytest.raises(BrokenFile, match=rf"a\.flo: no whole \.flo file: it has {len(content)} by"):
        FlowMap().load(str(tmp_path / "a.flo"))


def test_flow_follows_the_image() -> None:
    right, down = np.array([3.0, 0.0], np.float32), np.array([0.0, 3.0], np.float32)
    flow = FlowMap()
    value = np.stack([right, down])[None]  # (1, 2, 2)
    np.testing.assert_array_equal(flow.mirror(value)[0], [-right, down])
    np.testing.assert_allclose(flow.rotate(value, 90)[0], [down, -right], atol=1e-6)  # clockwise
    np.testing.assert_array_equal(flow.zoom(value, 2), 2 * value)
    resized = flow.resize(value, (3, 4))  # three times as high, twice as wide
    assert resized.shape == (3, 4, 2)
    np.testing.assert_array_equal(resized[0, 0], 2 * right)
    np.testing.assert_array_equal(resized[2, 3], 3 * down)
    disparity = FlowMap(channels=(0,))
    assert disparity.mirrors
    assert disparity.meta()["names"] == ("right",)
    with pytest.raises(ValueError, match="has disparities down too: leave the rotation out"):
        disparity.rotate(value[..., :1], 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(channels=()), r"channels=\(\), give the stored"),
        (dict(channels=(1, 1)), r"channels=\(1, 1\), give the stored"),
        (dict(names=["a", "b"]), "names=.*give one for each of 1 values"),
        (dict(factor=0), "factor=0 and .* makes all values the same"),
        (dict(factor=(1, 2)), r"factor, offset and missing are \(\(1, 2\), .*for each channel"),
        (dict(missing="x"), "factor, offset and missing are"),
    ],
)
def test_bad_settings(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"ValueMap: {message}"):
        ValueMap(**options)


def test_files_without_the_channels_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npy", np.zeros((2, 2)))
    with pytest.raises(BrokenFile, match=r"a\.npy: values per pixel.*channels 0, 1; .*\(2, 2\)"):
        ValueMap(channels=(0, 1)).load(str(path))
    path = write(tmp_path / "b.npy", np.array([["a"]]))
    with pytest.raises(BrokenFile, match="type <U1"):
        ValueMap().load(str(path))
