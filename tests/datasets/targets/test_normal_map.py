"""Surface normals, against vectors written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mtlplugins  # noqa: F401
from mtlplugins.datasets import NormalMap
from tests._data import write


def there(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


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


def test_facings_are_counted() -> None:
    normals = np.array(
        [[[0, 0, -1], [0.6, 0, -0.8], [0, 0, 0]], [[-1, 0, 0], [0, -0.8, 0.6], [0.8, 0.6, 0]]],
        np.float32,
    )
    assert there(NormalMap().describe(normals)) == {"the camera": 2, "left": 1, "up": 1, "right": 1}
    assert there(NormalMap().describe(normals * 0)) == {}
    down_and_away = np.array([[[0, 1, 0], [0, 0, 1]]], np.float32)
    assert there(NormalMap().describe(down_and_away)) == {"down": 1, "away": 1}
