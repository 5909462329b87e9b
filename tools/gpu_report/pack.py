"""Pack wheels and data sets into a folder, for a GPU machine without network.

    python tools/gpu_report/pack.py carried --nyuv2 data/nyuv2 --cifar data/cifar

Writes carried/wheels, carried/nyuv2_train and nyuv2_test (each with the frames of one split, so
that they can be copied separately) and carried/cifar. The wheels are those of
requirements/lock.txt for Python 3.12 that a machine with PyTorch, torchvision and timm lacks.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    *("mmengine", "mmcv-lite", "mmsegmentation", "mmpretrain", "model-index", "modelindex"),
    *("addict", "ftfy", "mat4py", "ordered-set", "prettytable", "setuptools", "termcolor"),
    *("wcwidth", "yapf", "importlib-metadata", "platformdirs"),
)
#: Folders of a data set in the layout of the converters.
_FRAMES = ("image", "depth", "semantic13", "semantic40", "normals")


def pinned() -> list[str]:
    """List the pins of the wheels for Python 3.12, from the lock file."""
    lines = (ROOT / "requirements" / "lock.txt").read_text().splitlines()
    found = {}
    for pin in (Requirement(line) for line in lines if not line.startswith("#")):
        if pin.marker is None or pin.marker.evaluate({"python_version": "3.12"}):
            found[pin.name] = f"{pin.name}{pin.specifier}"
    return [found[name] for name in PACKAGES]


def pack_wheels(out: Path) -> None:
    """Download the wheels."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(out)]
    command += ["--only-binary=:all:", "--python-version", "3.12", "--implementation", "cp"]
    platforms = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
    for platform in platforms:
        command += ["--platform", platform]
    subprocess.run([*command, *pinned()], check=True)


def pack_nyuv2(root: Path, out: Path) -> None:
    """Copy the frames of each split into its own folder, with the files of all frames."""
    for split in sorted((root / "splits").glob("*.txt")):
        part = out / f"nyuv2_{split.stem}"
        for name in split.read_text().split():
            for folder in _FRAMES:
                for file in (root / folder).glob(f"{name}.*"):
                    _copy(file, part / folder / file.name)
        for file in (*root.glob("*.json"), *(root / "splits").glob("*.txt")):
            _copy(file, part / file.relative_to(root))


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)


def main() -> None:
    """Parse the command line and pack."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder to fill")
    parser.add_argument("--nyuv2", type=Path, help="root of NYUv2, as the converter wrote it")
    parser.add_argument(
        "--cifar", type=Path, help="folder of CIFAR; a script unpack*.py in it is run there"
    )
    parser.add_argument("--no-wheels", action="store_true", help="pack data alone")
    args = parser.parse_args()
    if not args.no_wheels:
        pack_wheels(args.out / "wheels")
    if args.nyuv2:
        pack_nyuv2(args.nyuv2, args.out)
    if args.cifar:
        shutil.copytree(args.cifar, args.out / "cifar", dirs_exist_ok=True)


if __name__ == "__main__":
    main()
