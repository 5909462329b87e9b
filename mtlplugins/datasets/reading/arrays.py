"""Arrays in files: images, NumPy's .npy and .npz, HDF5, MATLAB, OpenEXR and PFM."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from math import prod
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from PIL import Image

from .files import (
    CHANNELS,
    BrokenFile,
    check_file,
    check_pixels,
    open_image,
    read_content,
    readable,
)
from .opencv_decoding import decode_whole
from .tiff_channels import SUFFIXES, read_channels

_DEEP = 16  # bits per channel of the PNG files that Pillow reads as 8 bits
_RGB = (2, 6)  # colour types of a PNG: RGB without and with alpha


def read_array(
    path: str, *, array: str = "", lossless: bool = False, channels: int = CHANNELS
) -> np.ndarray:
    """Read an array from a file, in the format that its suffix says.

    Images (BMP, GIF, JPEG, JPEG 2000, PNG, PPM, TIFF, WebP) give their values as stored: palette
    indices, 1-bit masks as bool, 16 bits as uint16, floats of a TIFF. Others: ``.npy``, ``.npz``,
    ``.h5`` or ``.hdf5`` (needs h5py), ``.mat`` (up to version 7; needs scipy), ``.exr`` (needs
    OpenEXR) and ``.pfm``. No file runs code or leads to another file.

    Args:
        path: The file.
        array: Name of the array in an ``.npz``, ``.mat`` or HDF5 file (a path such as
            ``"group/depth"``), or channel of an ``.exr``; may be empty where there is only one.
        lossless: Whether to refuse lossy formats, for targets: compression artefacts at an edge
            between two classes would be read as other classes.
        channels: Most channels that an array may have; above 4, also a TIFF (needs tifffile).

    Raises:
        BrokenFile: The file cannot be read, is refused by :func:`open_image`, is lossy, or has no
            such array; the message names it.
    """
    try:
        reader = _READERS.get(Path(path).suffix.lower())
        if reader is not None:
            check_file(path)
            return reader(path, array, channels)
        if channels > CHANNELS and Path(path).suffix.lower() in SUFFIXES:
            return read_channels(path, channels)
        return _read_image(path, lossless)
    except BrokenFile:
        raise
    except ModuleNotFoundError as error:
        package = _PACKAGES[str(error.name)]
        raise BrokenFile(
            f"{path}: reading it needs {package}: pip install {package}", path
        ) from error
    except Exception as error:  # decoders raise anything, and Pillow's bombs are no OSError
        reason = str(error) or type(error).__name__
        hint = _HINTS.get(Path(path).suffix.lower(), "")
        raise BrokenFile(
            f"{path}: cannot be read ({reason}); is it whole, and what its suffix says?{hint}", path
        ) from error


def _read_image(path: str, lossless: bool) -> np.ndarray:
    with open_image(path) as image:
        if lossless and _is_lossy(path, image):
            raise BrokenFile(
                f"{path} is a {image.format}, which does not keep exact values: its artefacts "
                "would be read as labels or measurements. Store targets as PNG, TIFF or .npy, made "
                "from the originals",
                path,
            )
        if (pixels := decode_whole(path, image, colours=False)) is not None:
            return pixels
        if image.format == "PNG" and _is_deep_rgb(path):  # Pillow would drop the lower 8 bits
            content = np.frombuffer(read_content(path), np.uint8)
            pixels = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
            if pixels is None:
                raise ValueError("OpenCV cannot decode it")
            return np.asarray(cv2.cvtColor(pixels, _to_rgb(path)))
        return np.array(image)


def _is_lossy(path: str, image: Image.Image) -> bool:
    if image.format == "WEBP":
        return b"VP8L" not in read_content(path)  # the chunk of lossless pixels
    return image.format == "JPEG"


def _png_header(path: str) -> tuple[int, int]:
    """Return bits per channel and colour type of a PNG."""
    header = read_content(path)[:26]
    return header[24], header[25]


def _is_deep_rgb(path: str) -> bool:
    bits, colour = _png_header(path)
    return bits == _DEEP and colour in _RGB


def _to_rgb(path: str) -> int:
    return cv2.COLOR_BGR2RGB if _png_header(path)[1] == _RGB[0] else cv2.COLOR_BGRA2RGBA


def _check_shape(shape: tuple[int, ...], channels: int) -> None:
    """Refuse an array that is no map, before its memory is allocated."""
    sides = sorted(shape)
    if len(shape) >= 2:
        check_pixels(sides[-1], sides[-2])
    if prod(sides[:-2]) > channels:
        raise ValueError(f"it has the shape {shape}, which is not that of a map")


def _read_npy(path: str, array: str, channels: int) -> np.ndarray:
    source = readable(path)
    if isinstance(source, str):
        # mapping fails if the file is shorter than its header says; reading would allocate first
        values = np.lib.format.open_memmap(path, mode="r")
        _check_shape(values.shape, channels)
        return np.array(values)
    shape, kind = _header_of_npy(source)
    _check_shape(shape, channels)
    if len(source.getbuffer()) < prod(shape) * kind.itemsize:
        raise ValueError("it is shorter than its header says")
    source.seek(0)
    return np.lib.format.read_array(source, allow_pickle=False)


def _header_of_npy(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Return the shape and the type of an array."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0
    shape, _, kind = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(file)
    return shape, kind


def _read_npz(path: str, array: str, channels: int) -> np.ndarray:
    with zipfile.ZipFile(readable(path)) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        member = f"{_choose(names, array, path)}.npy"
        with archive.open(member) as file:
            shape, kind = _header_of_npy(file)
        _check_shape(shape, channels)
        if archive.getinfo(member).file_size > prod(shape) * kind.itemsize + 10_000:
            raise ValueError("its size is not what its header says")
        with archive.open(member) as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def _read_hdf5(path: str, array: str, channels: int) -> np.ndarray:
    import h5py

    with h5py.File(readable(path), "r") as file:
        name = array or _choose(
            [n for n in file if isinstance(_own(file, n), h5py.Dataset)], "", path
        )
        part: Any = file
        for step in filter(None, name.split("/")):
            if not isinstance(part, h5py.Group) or step not in part:
                _choose(list(part) if isinstance(part, h5py.Group) else [], step, path)
            part = _own(part, step)
        if not isinstance(part, h5py.Dataset) or part.external or part.is_virtual:
            raise ValueError(f"{name} is no array of this file")
        _check_shape(part.shape, channels)
        return part[()]


def _own(group: Any, name: str) -> Any:
    """Return what a group holds itself; None for a link, which may lead to another file."""
    import h5py

    return group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None


def _read_mat(path: str, array: str, channels: int) -> np.ndarray:
    from scipy.io import loadmat, whosmat

    shapes = {name: shape for name, shape, _ in whosmat(readable(path))}
    name = _choose(shapes, array, path)
    _check_shape(shapes[name], channels)
    return loadmat(readable(path), variable_names=[name])[name]


def _read_exr(path: str, array: str, channels: int) -> np.ndarray:
    import OpenEXR  # ty: ignore[import-not-found]  # has no type stubs

    if not isinstance(readable(path), str):
        raise ValueError("OpenEXR reads files only: store these arrays as .npy in the shards")
    with OpenEXR.File(path, header_only=True) as file:
        (left, top), (right, bottom) = file.header()["dataWindow"]
    check_pixels(int(right) - int(left) + 1, int(bottom) - int(top) + 1)
    with OpenEXR.File(path) as file:
        found = file.channels()
        return np.array(found[_choose(found, array, path)].pixels)


def _read_pfm(path: str, array: str, channels: int) -> np.ndarray:
    """Read a portable float map: ``Pf`` or ``PF``, width, height, scale; rows from below."""
    source = readable(path)
    with open(source, "rb") if isinstance(source, str) else source as file:
        kind = file.readline().strip()
        width, height = (int(word) for word in file.readline().split())
        order = "<" if float(file.readline()) < 0 else ">"
        if kind not in (b"Pf", b"PF"):
            raise ValueError("it does not begin with Pf or PF")
        check_pixels(width, height)
        shape = (height, width) if kind == b"Pf" else (height, width, 3)
        values = np.frombuffer(file.read(4 * prod(shape)), f"{order}f4").reshape(shape)
    return values[::-1].astype(np.float32)


def _choose(names: Iterable[str], asked: str, path: str) -> str:
    """Return the name that is asked for, or the only one."""
    names = list(names)
    if asked in names:
        return asked
    if not asked and len(names) == 1:
        return names[0]
    have = ", ".join(names[:10]) or "none"
    wrong = f"no array {asked!r}" if asked else "several arrays, or none"
    raise BrokenFile(f"{path} has {wrong}; it has: {have}. Name one by the target's `array`", path)


_READERS: dict[str, Callable[[str, str, int], np.ndarray]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
    ".mat": _read_mat,
    ".exr": _read_exr,
    ".pfm": _read_pfm,
}
_TIFF = " An image of more than four channels is loaded by LoadImageChannels"
_HINTS = dict.fromkeys(SUFFIXES, _TIFF)
_PACKAGES = dict(h5py="h5py", scipy="scipy", OpenEXR="OpenEXR", tifffile="tifffile")
