"""Arrays in every format that is read, written by the format's own library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import numpy as np
import OpenEXR
import pytest
from PIL import Image
from scipy.io import savemat

from mtlplugins.datasets.reading import arrays
from mtlplugins.datasets.reading.arrays import read_array
from mtlplugins.datasets.reading.files import BrokenFile

DEPTH = (1 + np.arange(12).reshape(3, 4) / 7).astype(np.float32)
RGB = np.arange(36).reshape(3, 4, 3).astype(np.float32)


def write_pfm(path: Path, values: np.ndarray, scale: float = -1.0) -> None:
    kind, order = ("Pf" if values.ndim == 2 else "PF"), ("<" if scale < 0 else ">")
    header = f"{kind}\n{values.shape[1]} {values.shape[0]}\n{scale}\n".encode()
    path.write_bytes(header + values[::-1].astype(f"{order}f4").tobytes())


def write_hdf5(path: Path, values: np.ndarray, name: str = "dataset") -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=values, compression="gzip")


def write_exr(path: Path, values: np.ndarray) -> None:
    name = "Y" if values.ndim == 2 else "RGB"
    with OpenEXR.File({"type": OpenEXR.scanlineimage}, {name: values}) as file:
        file.write(str(path))


WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {
    ".npy": np.save,
    ".npz": lambda path, values: np.savez_compressed(path, depth=values),
    ".h5": write_hdf5,
    ".hdf5": write_hdf5,
    ".mat": lambda path, values: savemat(path, {"depth": values}, do_compression=True),
    ".exr": write_exr,
    ".pfm": write_pfm,
    ".PFM": lambda path, values: write_pfm(path, values, scale=1.0),
}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("values", [DEPTH, RGB], ids=["map", "three channels"])
def test_every_format(tmp_path: Path, suffix: str, values: np.ndarray) -> None:
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](path, values)
    found = read_array(str(path))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("suffix", [s for s in WRITERS if s != ".npy"])
def test_a_file_that_is_cut_short(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](path, DEPTH)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(
        BrokenFile, match=r"a\.\w+: cannot be read .*is it whole, and what its suffix says\?"
    ):
        read_array(str(path))


def test_one_of_several_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", depth=DEPTH, mask=DEPTH > 2)
    savemat(tmp_path / "a.mat", {"depth": DEPTH, "mask": DEPTH > 2})
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["depth"], file["mask"] = DEPTH, DEPTH > 2
        file["cam/depth"] = 2 * DEPTH
    for name in ("a.npz", "a.mat", "a.h5"):
        np.testing.assert_array_equal(read_array(str(tmp_path / name), array="depth"), DEPTH)
        with pytest.raises(
            BrokenFile, match=rf"{name} has several arrays, or none; it has: depth, "
        ):
            read_array(str(tmp_path / name))
        with pytest.raises(BrokenFile, match=rf"{name} has no array 'edge'; it has: .*depth, mask"):
            read_array(str(tmp_path / name), array="edge")
    found = read_array(str(tmp_path / "a.h5"), array="cam/depth")
    np.testing.assert_array_equal(found, 2 * DEPTH)
    with pytest.raises(BrokenFile, match=r"no array 'mask'; it has: depth"):
        read_array(str(tmp_path / "a.h5"), array="cam/mask")


def test_a_file_leads_to_no_other(tmp_path: Path) -> None:
    write_hdf5(tmp_path / "other.h5", DEPTH)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["link"] = h5py.ExternalLink("other.h5", "/dataset")
        file["soft"] = h5py.SoftLink("/link")
    for name in ("", "link", "soft"):
        with pytest.raises(BrokenFile):
            read_array(str(tmp_path / "a.h5"), array=name)


def test_objects_are_not_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", depth=np.array([[{}]], object))
    with pytest.raises(BrokenFile, match="cannot be read"):
        read_array(str(tmp_path / "a.npz"))


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".mat", ".exr", ".pfm"])
def test_sizes_are_checked_before_memory_is_allocated(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](path, np.zeros((60, 60), np.float32))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3599)
    with pytest.raises(BrokenFile, match="announces 60 x 60 pixels, more than the limit"):
        read_array(str(path))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3600)
    assert read_array(str(path)).shape == (60, 60)


def test_a_stack_is_no_map(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", stack=np.zeros((9, 20, 30), np.float32))
    with pytest.raises(BrokenFile, match=r"shape \(9, 20, 30\), which is not that of a map"):
        read_array(str(tmp_path / "a.npz"))


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(path: str, array: str, channels: int) -> np.ndarray:
        raise ModuleNotFoundError("No module named 'OpenEXR'", name="OpenEXR")

    monkeypatch.setitem(arrays._READERS, ".exr", absent)
    write_exr(tmp_path / "a.exr", DEPTH)
    with pytest.raises(BrokenFile, match=r"reading it needs OpenEXR: pip install OpenEXR"):
        read_array(str(tmp_path / "a.exr"))


@pytest.mark.parametrize("channels", [3, 4])
def test_a_png_of_16_bits_and_several_channels(tmp_path: Path, channels: int) -> None:
    values = np.arange(12 * channels).reshape(3, 4, channels).astype(np.uint16) * 1000
    order = [2, 1, 0, 3][:channels]
    cv2.imwrite(str(tmp_path / "a.png"), values[..., order])  # OpenCV writes BGR
    found = read_array(str(tmp_path / "a.png"))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, values)
