"""Compute surface normals for NYU Depth V2 from the depth files that `nyuv2.py` wrote.

    python tools/dataset_converters/nyuv2_normals.py data/nyuv2

Writes `normals/NNNN.png` into the folder, or the one of `--out`: 8-bit RGB of the depth's size,
round(127 n) + 128 of the unit normal n (x right, y down, z forward), (128, 128, 128) = missing.
`nyuv2.py --normals` does the same. The files may have any size, as long as they show whole frames.
Finished frames are skipped.

Normals are missing where depth is missing, on edges, and outside the view of the depth camera (22%
of a frame; depth is in-painted there). Elsewhere, in-painted depth gives smooth but wrong normals,
above all on windows, mirrors and black screens.

Coarsely quantised depth is detected: a surface is then averaged over larger windows, and details
smaller than the steps (flat objects on a table, folds) are lost.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from nyuv2_labeled import HEIGHT, WIDTH, ConversionError

from mtlplugins.common.progress import track
from mtlplugins.geometry import Intrinsics, normals_from_depth
from mtlplugins.io.atomic_file import write_bytes_atomically

# Colour camera of the toolbox's camera_params.m, for frames of 640 x 480 with their white border.
# The toolbox counts pixels from 1; here the centre of the first pixel is 0.5.
CAMERA = Intrinsics(
    fx=518.85790117450188,
    fy=519.46961112127485,
    cx=325.58244941119034 - 0.5,
    cy=253.73616633400465 - 0.5,
)
# Rows and columns that the depth camera sees: 45:471 and 41:601 in get_projection_mask.m
SEEN = slice(44, 471), slice(40, 601)
# Standard deviation of inverse depth, in 1/metres: a Kinect's depth varies by 1.425e-3 Z² metres
# (Khoshelham and Elberink 2012, "Accuracy and resolution of Kinect depth data", section 4.2).
NOISE = 1.425e-3


def depth_step(millimetres: np.ndarray) -> float:
    """Estimate the quantisation step of depth in metres, 0.001 for whole millimetres."""
    values = np.unique(millimetres[millimetres > 0]).astype(float)
    if len(values) < 2:
        return 0.001
    # a low quantile, because values that do not occur leave larger gaps
    return float(np.quantile(np.diff(values), 0.1)) / 1000


def frame_normals(millimetres: np.ndarray) -> np.ndarray:
    """Compute the normals of a whole frame.

    Args:
        millimetres: uint16 (H, W), 0 = missing.

    Returns:
        float32 (H, W, 3), see `normals_from_depth`; 0 outside the view of the depth camera.
    """
    height, width = millimetres.shape
    along_x, along_y = width / WIDTH, height / HEIGHT
    normals = normals_from_depth(
        millimetres.astype(np.float32) / 1000,
        CAMERA.scaled(along_x, along_y),
        noise=NOISE,
        step=depth_step(millimetres),
    )
    rows, columns = SEEN
    unseen = np.ones((height, width), bool)
    unseen[
        round(rows.start * along_y) : round(rows.stop * along_y),
        round(columns.start * along_x) : round(columns.stop * along_x),
    ] = False
    normals[unseen] = 0
    return normals


def write_normals(depth: Path, out: Path) -> None:
    """Compute the normals of each file in the folder `depth` and write them to the folder `out`.

    Raises:
        ConversionError: There are no files, or one is not depth of a whole frame.
    """
    files = sorted(depth.glob("*.png"))
    if not files:
        raise ConversionError(f"no depth in {depth}; name a folder that nyuv2.py has filled")
    out.mkdir(parents=True, exist_ok=True)
    todo = [file for file in files if not (out / file.name).exists()]
    for file in track(todo, "frames"):
        millimetres = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        if millimetres is None or millimetres.dtype != np.uint16 or millimetres.ndim != 2:
            raise ConversionError(f"{file} is no 16-bit depth in millimetres; convert it again")
        height, width = millimetres.shape
        if abs(width / height - WIDTH / HEIGHT) > 0.02:
            raise ConversionError(
                f"{file} is {width} x {height} and so no whole frame of {WIDTH} x {HEIGHT}: the "
                "camera of a cropped image is not known"
            )
        colours = np.rint(127 * frame_normals(millimetres)).astype(np.int16) + 128
        _, code = cv2.imencode(".png", colours[..., ::-1].astype(np.uint8))  # OpenCV takes BGR
        write_bytes_atomically(out / file.name, code.tobytes())


def main() -> None:
    """Parse the command line and convert."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder that nyuv2.py has filled")
    parser.add_argument("--out", type=Path, help="folder of the files; default: DATA/normals")
    args = parser.parse_args()
    out = args.out or args.data / "normals"
    try:
        write_normals(args.data / "depth", out)
    except ConversionError as error:
        sys.exit(f"error: {error}")
    print(f"{out} is complete")


if __name__ == "__main__":
    main()
