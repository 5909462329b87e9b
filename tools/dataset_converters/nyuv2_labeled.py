"""Reader of NYU Depth V2's labelled file, `nyu_depth_v2_labeled.mat`, with clear errors.

It is a MATLAB 7.3 file (HDF5 after a header of 512 bytes) with these entries:

    images      (1449, 3, 640, 480) uint8, RGB
    depths      (1449, 640, 480) float32, metres, in-painted, 0 = missing
    labels      (1449, 640, 480) uint16, 0 = void, 1..894
    names       (1, 894) references to strings: what the labels mean
    sceneTypes  (1, 1449) references to strings: bedroom, kitchen, ...
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

# MATLAB is column-major: every array arrives with its axes reversed, width before height.
WIDTH, HEIGHT = 640, 480
ARRAYS = {
    "images": (np.uint8, (3, WIDTH, HEIGHT)),
    "depths": (np.float32, (WIDTH, HEIGHT)),
    "labels": (np.uint16, (WIDTH, HEIGHT)),
}
STRINGS = ("names", "sceneTypes")
# A Kinect sees 10 m at most; anything far beyond that is another unit.
MAX_METRES = 20.0
# Well-known labels, to detect a file without the official label list.
KNOWN_LABELS = {"ceiling": 4, "floor": 11, "wall": 21, "door": 28, "window": 59, "bed": 157}


#: Longest string accepted; a damaged size could fill the memory.
LONGEST_STRING = 1000


class ConversionError(Exception):
    """Error: the labelled file or the output folder is unusable; the message says how to fix it."""


@dataclass(frozen=True)
class Meta:
    """Official facts about the data set, from `nyuv2_meta.json`.

    Attributes:
        frames: Number of frames.
        classes13: Names of the 13 classes, after "void" at index 0.
        classes40: Names of the 40 classes, after "void" at index 0.
        map40to13: Class of 13 for each class of 40, void included; length 41.
        map894to40: Class of 40 for each label, void included; length 895.
        test: 1-based numbers of the test frames; the others are for training.
    """

    frames: int
    classes13: list[str]
    classes40: list[str]
    map40to13: list[int]
    map894to40: list[int]
    test: list[int]

    @classmethod
    def official(cls) -> Meta:
        """Read `nyuv2_meta.json` beside this script."""
        text = Path(__file__).with_name("nyuv2_meta.json").read_text(encoding="utf-8")
        facts = json.loads(text)
        del facts["about"]
        return cls(**facts)


def open_labeled(path: Path) -> h5py.File:
    """Open the labelled file.

    Raises:
        ConversionError: The file is missing, truncated or of another format.
    """
    if not path.is_file():
        raise ConversionError(
            f"{path} does not exist; get nyu_depth_v2_labeled.mat from the page of NYU Depth V2"
        )
    try:
        return h5py.File(path, "r", rdcc_nbytes=2**26)  # chunks of the .mat may span many frames
    except OSError as error:
        raise ConversionError(f"{path}: {diagnose(path)} ({error})") from error


def diagnose(path: Path) -> str:
    """Describe the probable cause if a file cannot be opened as HDF5."""
    with path.open("rb") as file:
        head = file.read(1024)
    size = f"{path.stat().st_size:,} bytes"
    if head.lstrip()[:1] == b"<":
        return "this is a web page saved under the name of the data; download the file itself"
    if head.startswith(b"MATLAB 5.0"):
        return "this is a MATLAB 5.0 file, the labelled data set is MATLAB 7.3; use the original"
    if b"\x89HDF\r\n\x1a\n" in head:
        return f"the file is cut short or damaged ({size} of about 2.8 GB); download it again"
    return f"this is no HDF5 file ({size}); nyu_depth_v2_labeled.mat is one of about 2.8 GB"


def check_labeled(file: h5py.File, *, meta: Meta) -> None:
    """Check keys, shapes, types and the label list.

    Raises:
        ConversionError: The message names the first difference to the official file.
    """
    missing = [k for k in (*ARRAYS, *STRINGS) if not isinstance(file.get(k), h5py.Dataset)]
    if missing:
        raise ConversionError(
            f"{file.filename} has no {', '.join(missing)}; it has {', '.join(sorted(file))}. "
            "nyu_depth_v2_labeled.mat is needed, not the raw data or the toolbox"
        )
    for key in (*ARRAYS, *STRINGS):
        check_own(file[key], file)
    for key, (dtype, frame_shape) in ARRAYS.items():
        shape = file[key].shape
        if shape[1:] != frame_shape:
            raise ConversionError(
                f"{file.filename}: {key} has shape {shape}, expected {(meta.frames, *frame_shape)}"
            )
        if shape[0] != meta.frames:
            raise ConversionError(
                f"{file.filename}: {key} has {shape[0]} frames, the data set has {meta.frames}"
            )
        if file[key].dtype != dtype:
            raise ConversionError(
                f"{file.filename}: {key} is {file[key].dtype}, expected {np.dtype(dtype)}"
            )
    if file["sceneTypes"].size != meta.frames:
        raise ConversionError(
            f"{file.filename}: sceneTypes has {file['sceneTypes'].size} entries, the data set has "
            f"{meta.frames} frames"
        )
    labels = len(meta.map894to40) - 1
    names = read_strings(file, "names") if file["names"].size == labels else []
    for name, label in KNOWN_LABELS.items():
        if not names or names[label - 1] != name:
            raise ConversionError(
                f"{file.filename}: names does not list the official {labels} labels "
                f"({file['names'].size} entries; label {label} should be {name!r}), so the class "
                "maps would be wrong"
            )


def check_own(dataset: h5py.Dataset, file: h5py.File) -> None:
    """Check that the values of a data set are in the file itself; HDF5 can refer to other files.

    Raises:
        ConversionError: The values are in another file.
    """
    elsewhere = dataset.file.filename != file.filename
    if elsewhere or dataset.external or dataset.is_virtual:
        raise ConversionError(
            f"{file.filename}: {dataset.name} takes its values from another file, which the "
            "official one does not; download that"
        )


def read_strings(file: h5py.File, key: str) -> list[str]:
    """Read a MATLAB cell array of strings, which is an array of references.

    Raises:
        ConversionError: The entry is damaged or of another type.
    """
    cells = file[key]
    if cells.dtype != h5py.ref_dtype:
        raise ConversionError(f"{file.filename}: {key} is no cell array of strings")
    try:
        return [read_string(file[reference], file) for reference in np.ravel(cells[()])]
    except (OSError, ValueError) as error:  # ValueError: a reference to nothing
        raise ConversionError(
            f"{file.filename}: {key} is damaged ({error}); download the file again"
        ) from error


def read_string(cell: h5py.Dataset, file: h5py.File) -> str:
    """Read one MATLAB string, an array of UTF-16 codes."""
    check_own(cell, file)
    if cell.size > LONGEST_STRING:
        raise ValueError(f"a string of {cell.size} characters")
    # MATLAB stores the size of an empty string in place of its characters.
    codes = [] if "MATLAB_empty" in cell.attrs else np.ravel(cell[()])
    return "".join(chr(code) for code in codes)


def depth_to_millimetres(depth: np.ndarray, *, where: str) -> np.ndarray:
    """Convert depth in metres (H, W), 0 = missing, to uint16 millimetres, 0 = missing.

    Raises:
        ConversionError: The values cannot be metres; `where` is the start of the message.
    """
    if not np.isfinite(depth).all() or depth.min() < 0 or depth.max() > MAX_METRES:
        raise ConversionError(
            f"{where}: depth runs from {depth.min():g} to {depth.max():g}, expected metres "
            "between 0 (missing) and 10; is the file in another unit or damaged?"
        )
    return np.rint(depth * 1000).astype(np.uint16)


def read_frame(file: h5py.File, index: int, *, meta: Meta) -> dict[str, np.ndarray]:
    """Read frame `index` (0-based) in the usual orientation.

    Returns:
        image (480, 640, 3) RGB uint8, depth (480, 640) uint16 in millimetres with 0 = missing,
        semantic13 and semantic40 (480, 640) uint8 with 0 = void.

    Raises:
        ConversionError: The frame cannot be read or holds impossible values.
    """
    where = f"{file.filename}: frame {index + 1}"
    try:
        image, depth, labels = (file[key][index] for key in ("images", "depths", "labels"))
    except OSError as error:
        raise ConversionError(f"{where} is damaged ({error}); download the file again") from error
    map40 = np.array(meta.map894to40, dtype=np.uint8)
    if labels.max() >= len(map40):
        raise ConversionError(f"{where}: label {labels.max()}, the largest is {len(map40) - 1}")
    semantic40 = map40[labels.T]
    return {
        "image": image.transpose(2, 1, 0),  # (480, 640, 3)
        "depth": depth_to_millimetres(depth.T, where=where),
        "semantic13": np.array(meta.map40to13, dtype=np.uint8)[semantic40],
        "semantic40": semantic40,
    }
