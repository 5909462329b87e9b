"""Targets of another size than their image, as ScanNet's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mtlplugins.datasets import DepthMap, LabelMap, MultiTaskDataset, NormalMap
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.targets.sizes import fitted
from tests._data import make_image, write


def test_pixels_take_the_nearest_value() -> None:
    values = np.arange(6).reshape(2, 3)
    # twice the size: each value twice; half of it: that of the pixel right of the centre
    assert DepthMap().resize(values, (4, 6))[0].tolist() == [0, 0, 1, 1, 2, 2]
    assert DepthMap().resize(np.arange(8)[None], (1, 4)).tolist() == [[1, 3, 5, 7]]
    random = np.random.default_rng(0)
    for old, new in (((13, 17), (40, 52)), ((97, 63), (30, 20))):  # without ties
        map_ = random.integers(0, 255, old).astype(np.uint8)
        want = cv2.resize(map_, new[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        np.testing.assert_array_equal(LabelMap(["a"]).resize(map_, new), want)


def test_normals_stay_unit_vectors() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(6, 8, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    resized = fitted(NormalMap(), vectors, (9, 12), where="a", source="b")
    assert resized.shape == (9, 12, 3)
    np.testing.assert_allclose(np.linalg.norm(resized, axis=-1), 1)


@pytest.mark.parametrize(("height", "width", "fits"), [(480, 640, True), (480, 600, False)])
def test_shapes_may_differ_by_rounding(height: int, width: int, fits: bool) -> None:
    value = np.zeros((height, width))  # ScanNet: depth of 640 x 480, images of 1296 x 968
    if fits:
        assert fitted(DepthMap(), value, (968, 1296), where="a.jpg", source="d.png").any() == 0
        return
    with pytest.raises(BrokenFile, match=r"d.png is 600 x 480 .* a.jpg is 1296 x 968, of another"):
        fitted(DepthMap(), value, (968, 1296), where="a.jpg", source="d.png")


def test_a_data_set_resizes_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    log = "mtlplugins.datasets.targets.sizes.print_log"
    monkeypatch.setattr(log, lambda message, **_: said.append(message))
    for number in range(3):
        write(tmp_path / f"image/{number}.jpg", make_image(number))
        write(tmp_path / f"depth/{number}.png", np.full((12, 16), 1000 + number, np.uint16))
        write(tmp_path / f"labels/{number}.png", np.zeros((24, 32), np.uint8))
    data = MultiTaskDataset(
        str(tmp_path),
        dict(
            depth=dict(type="DepthMap", folder="depth"),
            labels=dict(type="LabelMap", folder="labels", classes=["a"]),
        ),
        pipeline=[dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")],
    )
    depths = [item["gt_depth"] for item in data]
    assert [depth.shape for depth in depths] == [(24, 32)] * 3
    np.testing.assert_allclose([depth.mean() for depth in depths], [1.0, 1.001, 1.002], rtol=1e-6)
    (message,) = said
    assert "'depth': targets such as " in message
    assert "depth/0.png are 16 x 12 pixels, their images 32 x 24: resized to these" in message
