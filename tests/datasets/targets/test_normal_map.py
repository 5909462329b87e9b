"""Surface normals, against vectors written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
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
        (np.zeros((4, 2, 2), np.float32), r"shape \(4, 2, 2\) and type float32"),
        (np.zeros((2, 2, 3), np.uint32), r"shape \(2, 2, 3\) and type uint32"),
        (
            np.full((2, 2, 3), 9, np.uint8),
            r"length 1.*stored as \[9, 9, 9\], has 1\.623 by encoding='127'; .* '127.5' for",
        ),
        (np.full((2, 2, 3), 0.5, np.float32), r"length 1, or 0 where missing.*0\.866$"),
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


def unit_vectors(*shape: int) -> np.ndarray:
    normals = np.random.default_rng(0).normal(size=(*shape, 3))
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def degrees_between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    cross = np.linalg.norm(np.cross(one.astype(float), other), axis=-1)
    return np.degrees(np.arctan2(cross, (one * other).sum(-1)))


@pytest.mark.parametrize(
    ("encoding", "encode", "bound"),
    [
        ("127", lambda n: np.rint(127 * n) + 128, 0.4),
        ("127.5", lambda n: np.rint(127.5 * n + 127.5), 0.4),
        ("127.5", lambda n: np.floor(127.5 * n + 127.5), 0.8),  # cut off
        ("127", lambda n: np.rint(127.5 * n + 127.5), 0.8),  # not said
    ],
)
@pytest.mark.parametrize("grey", [0, 127, 128, 255])
def test_encodings_of_images(
    tmp_path: Path, encoding: str, encode: Callable, bound: float, grey: int
) -> None:
    normals = unit_vectors(40, 50)
    stored = encode(normals)
    stored[:2] = grey
    loaded = NormalMap(encoding=encoding).load(
        str(write(tmp_path / "a.png", stored.astype(np.uint8)))
    )
    assert not loaded[:2].any()
    assert degrees_between(loaded[2:], normals[2:]).max() < bound
    np.testing.assert_allclose(np.linalg.norm(loaded[2:], axis=-1), 1, atol=1e-6)


def test_sixteen_bits_keep_their_precision(tmp_path: Path) -> None:
    """Pillow reads such a file as 8 bits."""
    normals = unit_vectors(20, 30)
    stored = np.rint(32767.5 * normals + 32767.5).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), stored[..., ::-1])  # OpenCV writes BGR
    loaded = NormalMap(suffix=".png", encoding="127.5").load(str(tmp_path / "a.png"))
    assert degrees_between(loaded, normals).max() < 0.003


def test_channels_first_axes_and_lengths(tmp_path: Path) -> None:
    normals = unit_vectors(5, 7)
    path = write(tmp_path / "a.npy", 1.01 * normals.transpose(2, 0, 1))
    loaded = NormalMap(signs=(1, -1, -1)).load(str(path))
    np.testing.assert_allclose(loaded, normals * [1, -1, -1], atol=1e-6)


@pytest.mark.parametrize("wrong", [dict(encoding="128"), dict(signs=(1, 1)), dict(signs=(1, 0, 1))])
def test_wrong_settings(wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"NormalMap: {next(iter(wrong))}=.*give"):
        NormalMap(**wrong)


@pytest.mark.parametrize(
    ("wall", "side", "fits"),
    [
        ((0, 0, -1), (0.6, -0.48, -0.64), True),
        ((0, 0, 1), (-0.6, 0.48, 0.64), False),  # into the surface
        ((0, 0, 1), (0.6, 0.48, 0.64), False),  # OpenGL: y up, z to the camera
        ((-1, 0, 0), (0, -1, 0), True),  # none seen face on
    ],
)
def test_normals_that_no_camera_can_see_are_doubted(wall, side, fits: bool) -> None:
    target = NormalMap()
    value = np.tile(np.array([[wall, wall, wall, side]], np.float32), (5, 1, 1))
    doubts = list(target.tally(value).doubts("normals", target))
    assert len(doubts) == (not fits)
    if not fits:
        assert "'normals': 20 of 20 normals point away from the camera and 0 to it" in doubts[0]
