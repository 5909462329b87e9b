"""Convert NYU Depth V2's labelled file, `nyu_depth_v2_labeled.mat` (2.8 GB), into image files.

    python tools/dataset_converters/nyuv2.py nyu_depth_v2_labeled.mat data/nyuv2

Nothing is downloaded: the official split and the class maps are in `nyuv2_meta.json` beside this
script. NNNN below is the 1-based index of a frame in the .mat:

    image/NNNN.jpg        RGB, quality 95
    depth/NNNN.png        uint16, millimetres, 0 = missing
    semantic13/NNNN.png   uint8, 0 = void, 1..13 (Couprie et al., ICLR 2013)
    semantic40/NNNN.png   uint8, 0 = void, 1..40 (Gupta et al., CVPR 2013)
    splits/{train,test}.txt   the official split, one NNNN per line
    classes.json          {"classes13": [...], "classes40": [...], "map40to13": [...]}, from void on
    scenes.json           {"classes": [the scene types, sorted], "labels": {"NNNN": "bedroom", ...}}

With `--normals` also, computed from the depth (see `nyuv2_normals.py`):

    normals/NNNN.png      8-bit RGB, round(127 n) + 128; (128, 128, 128) = missing

After an interruption, run it again: finished frames are skipped. The lists are written last, so if
`splits/` exists, all frames do.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
from nyuv2_labeled import (
    HEIGHT,
    WIDTH,
    ConversionError,
    Meta,
    check_labeled,
    open_labeled,
    read_frame,
    read_strings,
)

from mtlplugins.common.progress import track
from mtlplugins.io.atomic_file import write_bytes_atomically

SUFFIXES = {"image": ".jpg", "depth": ".png", "semantic13": ".png", "semantic40": ".png"}
BYTES_PER_PIXEL = 3  # an upper bound for the four files of a frame together


def resize(array: np.ndarray, size: tuple[int, int], *, smooth: bool) -> np.ndarray:
    """Resize (H, W) or (H, W, 3) to `size` = (height, width).

    Images are interpolated; `smooth=False` takes the nearest pixel, because the mean of two depths
    or two labels is neither.
    """
    if array.shape[:2] == size:
        return array
    if not smooth:
        method = cv2.INTER_NEAREST_EXACT
    else:
        method = cv2.INTER_AREA if size[0] < array.shape[0] else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(array), size[::-1], interpolation=method)


def frame_paths(out: Path, number: int) -> dict[str, Path]:
    """Return the paths of the files of frame `number` (1-based), by folder."""
    return {name: out / name / f"{number:04d}{suffix}" for name, suffix in SUFFIXES.items()}


def write_frame(out: Path, number: int, frame: dict[str, np.ndarray]) -> None:
    """Write the four files of frame `number` (1-based)."""
    for name, path in frame_paths(out, number).items():
        array = frame[name][..., ::-1] if name == "image" else frame[name]  # OpenCV takes BGR
        options = [cv2.IMWRITE_JPEG_QUALITY, 95] if path.suffix == ".jpg" else []
        _, code = cv2.imencode(path.suffix, np.ascontiguousarray(array), options)
        write_bytes_atomically(path, code.tobytes())


def write_lists(out: Path, scenes: list[str], *, meta: Meta) -> None:
    """Write scenes.json, classes.json and, last, the split."""
    labels = {f"{number:04d}": scene for number, scene in enumerate(scenes, 1)}
    documents = {
        "scenes.json": {"classes": sorted(set(scenes)), "labels": labels},
        "classes.json": {
            key: getattr(meta, key) for key in ("classes13", "classes40", "map40to13")
        },
    }
    for name, document in documents.items():
        write_bytes_atomically(out / name, json.dumps(document, indent=1).encode() + b"\n")
    train = sorted(set(range(1, meta.frames + 1)) - set(meta.test))
    (out / "splits").mkdir(exist_ok=True)
    for name, numbers in (("train", train), ("test", meta.test)):
        write_bytes_atomically(
            out / "splits" / f"{name}.txt", "".join(f"{n:04d}\n" for n in numbers).encode()
        )


def check_output(out: Path, todo: list[int], size: tuple[int, int]) -> None:
    """Check that files in `out` have the wanted size, and that the frames `todo` fit on the disk.

    Raises:
        ConversionError: `out` holds frames of another size, or the disk is too full.
    """
    present = next((out / "image").glob("*.jpg"), None)
    if present is not None:
        image = cv2.imread(str(present))
        if image is None or image.shape[:2] != size:
            held = "unreadable" if image is None else "x".join(map(str, image.shape[:2]))
            raise ConversionError(
                f"{present} is {held}, wanted is {size[0]}x{size[1]}; choose another folder"
            )
    needed = len(todo) * size[0] * size[1] * BYTES_PER_PIXEL
    free = shutil.disk_usage(out).free
    if free < needed:
        raise ConversionError(
            f"{out}: about {needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free; make room, "
            "choose another disk or a smaller --size"
        )


def convert(mat: Path, out: Path, *, meta: Meta, size: tuple[int, int] = (HEIGHT, WIDTH)) -> None:
    """Convert the labelled file `mat` into the folder `out`, in the layout at the top of this file.

    Args:
        mat: The labelled file.
        out: Output folder; complete frames in it are skipped.
        meta: Official facts about the data set.
        size: (height, width) of the written files.

    Raises:
        ConversionError: The labelled file or the output folder is unusable.
    """
    with open_labeled(mat) as file:
        check_labeled(file, meta=meta)
        scenes = read_strings(file, "sceneTypes")
        for name in SUFFIXES:
            (out / name).mkdir(parents=True, exist_ok=True)
        todo = [
            number
            for number in range(1, meta.frames + 1)
            if not all(path.exists() for path in frame_paths(out, number).values())
        ]
        check_output(out, todo, size)
        for number in track(todo, "frames"):
            frame = read_frame(file, number - 1, meta=meta)
            resized = {n: resize(a, size, smooth=n == "image") for n, a in frame.items()}
            write_frame(out, number, resized)
    write_lists(out, scenes, meta=meta)


def main() -> None:
    """Parse the command line and convert."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mat", type=Path, help="nyu_depth_v2_labeled.mat")
    parser.add_argument("out", type=Path, help="folder to fill")
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("H", "W"),
        default=(HEIGHT, WIDTH),
        help="height and width to write; default: 480 640, as in the file",
    )
    parser.add_argument(
        "--normals", action="store_true", help="also compute surface normals; takes two minutes"
    )
    args = parser.parse_args()
    if min(args.size) < 1:
        parser.error("--size takes two positive numbers")
    try:
        convert(args.mat, args.out, meta=Meta.official(), size=tuple(args.size))
        if args.normals:
            from nyuv2_normals import (
                write_normals,
            )  # imported here, because it takes two minutes only if asked for

            write_normals(args.out / "depth", args.out / "normals")
    except ConversionError as error:
        sys.exit(f"error: {error}")
    print(f"{args.out} is complete")


if __name__ == "__main__":
    main()
