from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import nyuv2_normals
import pytest
from nyuv2_labeled import ConversionError

from mtlplugins.datasets import NormalMap
from tests._data import write

SEEN = slice(26, 283), slice(24, 361)  # 44:471 and 40:601 of 480 x 640, at 0.6


def slanted_wall(step: int = 1) -> np.ndarray:
    """Depth in millimetres (288, 384) of the plane with normal (0.6, 0, -0.8), 2 m away.

    Through the toolbox's camera: X = (column - cx) Z / fx with columns counted from 1.
    """
    columns = (np.arange(384) + 0.5) / 0.6 + 0.5
    u = (columns - 325.58244941119034) / 518.85790117450188
    depth = np.repeat([2000 / (0.8 - 0.6 * u)], 288, axis=0)
    return (np.rint(depth / step) * step).astype(np.uint16)


def error(path: Path) -> np.ndarray:
    """Degrees off the wall's normal, NaN where there is none."""
    normals = NormalMap().load(str(path)).astype(float)
    cosine = (normals @ [0.6, 0, -0.8]).clip(-1, 1)
    return np.where(normals.any(-1), np.degrees(np.arccos(cosine)), np.nan)


@pytest.mark.parametrize(("step", "limit"), [(1, 0.6), (39, 4.0)])
def test_a_wall_as_the_package_loads_it(tmp_path: Path, step: int, limit: float) -> None:
    depth = slanted_wall(step)
    depth[100:110, 200:210] = 0
    write(tmp_path / "depth" / "0007.png", depth)
    nyuv2_normals.write_normals(tmp_path / "depth", tmp_path / "out")
    found = error(tmp_path / "out" / "0007.png")
    expected = np.ones(depth.shape, bool)
    expected[SEEN] = False  # defined nowhere else
    expected[100:110, 200:210] = True
    assert (np.isnan(found) == expected).mean() > 0.999
    assert np.nanquantile(found, 0.99) < limit


def test_finished_frames_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("0001", "0002"):
        write(tmp_path / "depth" / f"{name}.png", slanted_wall())
    done = write(tmp_path / "normals" / "0001.png", np.zeros((2, 2, 3), np.uint8))
    before = done.read_bytes()
    monkeypatch.setattr(sys, "argv", ["nyuv2_normals.py", str(tmp_path)])
    nyuv2_normals.main()
    assert done.read_bytes() == before
    assert cv2.imread(str(tmp_path / "normals" / "0002.png")).shape == (288, 384, 3)
    assert not list(tmp_path.rglob("*.part"))


def test_the_step_of_depth_is_measured() -> None:
    fine = np.arange(700, 5000, dtype=np.uint16).reshape(43, 100)
    fine[0] = 0
    assert nyuv2_normals.depth_step(fine) == 0.001
    assert nyuv2_normals.depth_step(fine[fine < 3000]) == 0.001
    assert nyuv2_normals.depth_step(np.rint(fine / 39.2) * 39.2 // 1) == 0.039
    assert nyuv2_normals.depth_step(np.zeros((2, 2), np.uint16)) == 0.001


@pytest.mark.parametrize(
    ("depth", "message"),
    [
        (np.ones((48, 64), np.uint8), r"0001\.png is no 16-bit depth"),
        (np.ones((48, 48), np.uint16), r"0001\.png is 48 x 48 .* no whole frame of 640 x 480"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, depth: np.ndarray, message: str) -> None:
    write(tmp_path / "depth" / "0001.png", depth)
    with pytest.raises(ConversionError, match=message):
        nyuv2_normals.write_normals(tmp_path / "depth", tmp_path / "normals")


def test_no_depth_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"no depth in .*; name a folder that nyuv2\.py"):
        nyuv2_normals.write_normals(tmp_path / "depth", tmp_path / "normals")
