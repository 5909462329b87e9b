"""Write the labels of SUN RGB-D's 37 classes and the official split, from its download.

    python tools/dataset_converters/sunrgbd.py data/sunrgbd

The folder holds `SUNRGBD/` and `SUNRGBDtoolbox/`, the two unpacked archives. Writes `label37.png`
into each image's folder (0: none, 1 to 37), and `train.csv` and `test.csv` (5,285 and 5,050 images)
with the columns image, depth and semantic. Images and depth stay as they are. Labels that are there
already are not written again. Needs h5py and scipy (`pip install mtlplugins[formats]`); labels are
read one by one, not the whole file of some 60 GB in memory.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import h5py
import numpy as np
from scipy.io import loadmat

from mtlplugins.common.progress import track
from mtlplugins.io.atomic_file import write_bytes_atomically

LABELS = "label37.png"
_TOP = "SUNRGBD/"


class ConversionError(Exception):
    """The download is not as expected; the message says what to do."""


def scene_of(path: str) -> str:
    """Return the folder of an image below the root, `SUNRGBD/kv1/…`, from any path of the files.

    Raises:
        ConversionError: The path is not below such a folder.
    """
    _, found, rest = path.partition(_TOP)
    if not found or ".." in rest.split("/"):
        raise ConversionError(f"{path!r} in the toolbox is no folder below {_TOP}")
    return _TOP + rest.strip("/")


def read_split(toolbox: Path) -> dict[str, list[str]]:
    """Read which folders are for training and which for tests."""
    content = loadmat(toolbox / "traintestSUNRGBD/allsplit.mat", squeeze_me=True)
    return {
        name: [scene_of(str(path)) for path in np.atleast_1d(content[f"all{name}"])]
        for name in ("train", "test")
    }


def labels_by_scene(toolbox: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each folder and its labels, uint8 (H, W), in the order of the toolbox.

    Raises:
        ConversionError: The two files list different numbers of images.
    """
    meta = loadmat(toolbox / "Metadata/SUNRGBDMeta.mat", squeeze_me=True, struct_as_record=False)
    scenes = [scene_of(str(one.sequenceName)) for one in np.atleast_1d(meta["SUNRGBDMeta"])]
    with h5py.File(toolbox / "Metadata/SUNRGBD2Dseg.mat", "r") as file:
        references = np.ravel(file["SUNRGBD2Dseg/seglabel"])
        if len(references) != len(scenes):
            raise ConversionError(
                f"SUNRGBDMeta.mat lists {len(scenes)} images, SUNRGBD2Dseg.mat {len(references)}"
            )
        for scene, reference in track(list(zip(scenes, references, strict=True)), "images"):
            yield scene, np.asarray(file[reference]).T.astype(np.uint8)  # MATLAB's order


def only_file(folder: Path) -> Path:
    """Return the only file of a folder.

    Raises:
        ConversionError: There is none, or several.
    """
    files = [path for path in sorted(folder.glob("*")) if path.suffix in (".jpg", ".png")]
    if len(files) != 1:
        raise ConversionError(f"{folder} has {len(files)} images instead of one: unpack it again")
    return files[0]


def write_split(path: Path, root: Path, scenes: Iterable[str]) -> None:
    """Write the table of the images, their depth and their labels."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["image", "depth", "semantic"])
    for scene in scenes:
        files = only_file(root / scene / "image"), only_file(root / scene / "depth_bfx")
        row = [*files, root / scene / LABELS]
        table.writerow([file.relative_to(root).as_posix() for file in row])
    write_bytes_atomically(path, text.getvalue().encode())


def convert(root: Path) -> None:
    """Write labels and splits.

    Raises:
        ConversionError: The download is not as expected.
    """
    toolbox = root / "SUNRGBDtoolbox"
    for folder in (root / _TOP, toolbox):
        if not folder.is_dir():
            raise ConversionError(f"no {folder}: unpack SUNRGBD.zip and SUNRGBDtoolbox.zip there")
    for scene, labels in labels_by_scene(toolbox):
        path = root / scene / LABELS
        if not path.exists():
            _, code = cv2.imencode(".png", labels)
            write_bytes_atomically(path, code.tobytes())
    for name, scenes in read_split(toolbox).items():
        write_split(root / f"{name}.csv", root, scenes)


def main() -> None:
    """Parse the command line and convert."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path, help="folder with SUNRGBD and SUNRGBDtoolbox")
    args = parser.parse_args()
    try:
        convert(args.root)
    except (ConversionError, OSError, KeyError) as error:
        sys.exit(f"error: {error}")
    print(f"{args.root} is complete")


if __name__ == "__main__":
    main()
