"""Run the core of the tests on older and newer Pythons, PyTorches and mm packages.

    python requirements/compat.py                     # all rows; what `make test-compat` does
    python requirements/compat.py "torch newest" ...  # some; --list prints their names
    python requirements/compat.py "mmcv full" --mmcv-wheel mmcv-2.1.0-cp311-cp311-linux_x86_64.whl

Each row changes one thing in the pinned environment (--base, .venv by default), which itself is
only read: a new environment in a temporary folder sees all of its packages but those that change.
One exists at a time, up to 6 GB, and is removed before the next. The exit status is 1 if a row
fails; what the machine lacks (a Python, a wheel of mmcv) is said and is no failure.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.metadata import distributions
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "lock.txt"

#: The core: what meets the other packages most, about two minutes on two cores.
STEP = "tests/configs/test_configs.py::test_a_training_step_and_a_prediction"
CORE = (
    "tests/compat",
    "tests/models/conditioning",
    "tests/models/heads",
    "tests/models/test_data_preprocessor.py",
    "tests/models/inference/test_folding.py",
    "tests/models/test_multitask_model.py",
    "tests/datasets/test_multitask.py",
    "tests/datasets/transforms",
    "tests/engine/guards",
    "tests/engine/speed",
    "tests/evaluation",
    f"{STEP}[swin_cond_nyuv2.py]",
    f"{STEP}[cifar/vit_multi_cifar10.py]",
    f"{STEP}[nyuv2/convnext_baseline_nyuv2.py]",
    f"{STEP}[nyuv2/resnet50_cond_nyuv2.py]",
    f"{STEP}[nyuv2/swin_frozen_nyuv2.py]",
    f"{STEP}[nyuv2/upernet_cond_nyuv2.py]",
    f"{STEP}[nyuv2/vit_cond_nyuv2.py]",
    f"{STEP}[rooms/mixed_nyuv2_rooms.py]",
    f"{STEP}[taskonomy/swin_cond_taskonomy.py]",
    "tests/tools/test_export.py",
)

IMPORTS = "tests/compat/test_compat_imports.py"
COMPILED = "tests/engine/speed/test_compile_hook.py"
TORCH = ("torch", "torchvision", "triton", "nvidia-*", "cuda-*")
FORKED = ("mmengine", "mmcv-lite", "mmsegmentation", "mmpretrain")
FORKS = ("onedl-mmengine", "onedl-mmcv", "onedl-mmsegmentation", "onedl-mmpretrain")


@dataclass(frozen=True)
class Factor:
    """One row: how an environment differs from the pinned one.

    Attributes:
        name: What the row is called.
        python: Version of the interpreter, if it is not the pinned environment's.
        without: Pinned distributions (patterns) that the environment does not see.
        install: What pip is given in their place.
        deselect: Tests of the core that cannot hold there.
    """

    name: str
    python: str = ""
    without: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    deselect: tuple[str, ...] = ()


FACTORS = (
    Factor("pinned"),
    Factor("Python 3.10", python="3.10"),
    Factor("Python 3.11", python="3.11"),
    Factor("Python 3.12", python="3.12"),
    Factor("Python 3.13", python="3.13"),
    Factor(
        "torch 2.4.1",
        without=TORCH,
        install=("torch==2.4.1", "torchvision==0.19.1"),
        deselect=(  # its compiler cannot take the feed-forward layers of mmcv into one graph
            f"{COMPILED}::test_losses_and_gradients[Swin]",
            f"{COMPILED}::test_losses_and_gradients[ViT]",
            f"{COMPILED}::test_predictions_follow_the_weights",
        ),
    ),
    Factor("torch 2.15.0", without=TORCH, install=("torch==2.15.0", "torchvision==0.29.2")),
    Factor("torch newest", without=TORCH, install=("torch", "torchvision")),
    # the pinned one is OpenCV 5
    Factor("OpenCV 4", without=("opencv-python",), install=("opencv-python<5",)),
    Factor("setuptools newest", without=("setuptools",), install=("setuptools>=82",)),
    Factor(
        "mmcv full",
        without=("mmcv-lite",),
        install=("--no-deps", "{mmcv_wheel}"),
        deselect=(  # of an mmcv without operators
            f"{IMPORTS}::test_missing_operators_raise_when_called",
            f"{IMPORTS}::test_complete_mmcv_is_left_alone",
        ),
    ),
    Factor(
        "OneDL forks",
        without=FORKED,
        install=FORKS,
        deselect=(f"{IMPORTS}::test_version_check_of_mmseg_passes_through",),  # they have none
    ),
)


class Missing(Exception):
    """The machine lacks what a row needs."""


@dataclass
class Row:
    """What came of a factor."""

    name: str
    versions: str = ""
    outcome: str = ""
    seconds: float = 0.0
    failed: bool = False

    def __str__(self) -> str:
        seconds = f"{self.seconds:.0f}" if self.seconds else ""
        return f"| {self.name} | {self.versions} | {self.outcome} | {seconds} |"


def main(arguments: list[str]) -> int:
    """Run the rows that were asked for and print the table; 1 if one failed."""
    args = _parser().parse_args(arguments)
    if args.list:
        print("\n".join(factor.name for factor in FACTORS))
        return 0
    unknown = set(args.names) - {factor.name for factor in FACTORS}
    if unknown:
        sys.exit(f"There is no row {', '.join(sorted(unknown))}; --list prints the names.")
    base = args.base.absolute()
    if not (base / "bin" / "python").exists():
        sys.exit(f"{base} is no environment; make one with `make venv`, or name another: --base.")
    rows = []
    for factor in FACTORS:
        if not args.names or factor.name in args.names:
            with tempfile.TemporaryDirectory(prefix="mtlplugins-compat-", dir=args.folder) as room:
                rows.append(run_factor(factor, base, Path(room), args.mmcv_wheel))
            print(rows[-1], flush=True)
    print("\n| what differs | versions | result | seconds |\n|---|---|---|---|")
    print("\n".join(map(str, rows)))
    return int(any(row.failed for row in rows))


def run_factor(factor: Factor, base: Path, room: Path, mmcv_wheel: Path | None) -> Row:
    """Make the environment of one row in the folder `room` and run the core in it."""
    row = Row(factor.name)
    try:
        python = make_environment(factor, base, room, mmcv_wheel)
    except Missing as missing:
        row.outcome = str(missing)
        return row
    except subprocess.CalledProcessError as error:
        print(error.stdout, error.stderr, file=sys.stderr)
        row.outcome, row.failed = "cannot be installed", True
        return row
    row.versions = versions(python)
    start = time.monotonic()
    row.outcome, row.failed = run_core(python, factor.deselect, room)
    row.seconds = time.monotonic() - start
    return row


def make_environment(factor: Factor, base: Path, room: Path, mmcv_wheel: Path | None) -> Path:
    """Return the interpreter of the row's environment; nothing is written into `base`."""
    base_python = base / "bin" / "python"
    base_version = _call(base_python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
    if factor.python == base_version:
        raise Missing("the pinned environment's")
    if factor.python:
        return _with_python(find_python(factor.python), base, room)
    if not factor.install:
        return base_python
    if "{mmcv_wheel}" in factor.install and mmcv_wheel is None:
        raise Missing("no wheel: --mmcv-wheel FILE")
    install = [word.format(mmcv_wheel=mmcv_wheel) for word in factor.install]
    # pip and setuptools are the pinned ones too.
    python = _new_environment(base_python, room, "--without-pip")
    # Outside the new environment, so that pip takes what lies there for installed but not its own.
    seen = room / "pinned"
    seen.mkdir()
    for entry in kept_entries(_site_packages(base_python), factor.without):
        (seen / entry.name).symlink_to(entry)
    (_site_packages(python) / "pinned.pth").write_text(f"{seen}\n", encoding="utf-8")
    _call(python, "-m", "pip", "install", "--quiet", *install)
    return python


def _with_python(interpreter: str, base: Path, room: Path) -> Path:
    """The lock file in full, for another Python."""
    python = _new_environment(interpreter, room)
    _call(python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(LOCK))
    # torch's CUDA libraries, half of the whole, are the same for every Python.
    libraries = _site_packages(base / "bin" / "python") / "nvidia"
    if libraries.exists():
        (_site_packages(python) / "nvidia").symlink_to(libraries)
    return python


def find_python(version: str) -> str:
    """Return the interpreter of a version ("3.12") from PATH, pyenv or uv."""
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(name), *sorted(pyenv.glob(f"{version}.*/bin/{name}"), reverse=True)]
    if shutil.which("uv"):
        asked = subprocess.run(["uv", "python", "find", version], capture_output=True, text=True)
        found.append(asked.stdout.strip())
    for candidate in filter(None, found):
        try:  # pyenv's stand-ins in PATH fail when called
            return _call(candidate, "-c", "import ensurepip, sys, venv; print(sys.executable)")
        except (OSError, subprocess.CalledProcessError):
            continue
    raise Missing("not found on this machine")


def kept_entries(site_packages: Path, without: tuple[str, ...]) -> Iterator[Path]:
    """Yield what lies in a site-packages, but for what only the distributions `without` own."""
    owners: dict[str, set[bool]] = {}
    for distribution in distributions(path=[str(site_packages)]):
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        leaves = any(fnmatch(name, pattern) for pattern in without)
        for file in distribution.files or ():
            owners.setdefault(file.parts[0], set()).add(leaves)
    for entry in sorted(site_packages.iterdir()):
        if entry.name != "__pycache__" and owners.get(entry.name) != {True}:
            yield entry


def versions(python: Path) -> str:
    """Return the versions of Python and of what rows change."""
    names = ("torch", "numpy", "opencv-python", "setuptools", "mmcv-lite", "mmcv", *FORKS)
    code = (
        "import sys\n"
        "from importlib.metadata import PackageNotFoundError, version\n"
        "print('Python', sys.version.split()[0], end='')\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        print(',', name, version(name), end='')\n"
        "    except PackageNotFoundError:\n"
        "        pass\n"
    )
    return _call(python, "-c", code, *names).replace(" ,", ",")


def run_core(python: Path, deselect: tuple[str, ...], room: Path) -> tuple[str, bool]:
    """Run the core; return how many tests passed or which did not, and whether it failed."""
    report = room / "report.xml"
    skipped = [f"--deselect={test}" for test in deselect]
    options = ("-q", "-p", "no:cacheprovider", "--tb=short", f"--junitxml={report}", *skipped)
    done = subprocess.run(
        [python, "-m", "pytest", *options, "-m", "not slow and not faults and not browser", *CORE],
        cwd=ROOT,
        env=_environment(python),
        stdout=sys.stderr,
    )
    if not report.exists():
        return f"the tests did not start (exit status {done.returncode})", True
    suite = ElementTree.parse(report).getroot().find("testsuite")
    total = int(suite.get("tests"))
    bad = [
        case.get("name")
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    if bad or done.returncode or not total:
        return f"{len(bad)} of {total} failed: {', '.join(bad)}", True
    return f"{total} passed", False


def _environment(python: Path) -> dict[str, str]:
    """The variables of a row: this tree's package, and tools of the row's own environment."""
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    return {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, "PIP_REQUIRE_VIRTUALENV": "0"}


def _new_environment(interpreter: Path | str, room: Path, *options: str) -> Path:
    _call(interpreter, "-m", "venv", *options, str(room / "venv"))
    return room / "venv" / "bin" / "python"


def _site_packages(python: Path) -> Path:
    return Path(_call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))


def _call(python: Path | str, *arguments: str) -> str:
    done = subprocess.run(
        [python, *arguments],
        check=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="rows to run; all if left out")
    parser.add_argument("--list", action="store_true", help="print the rows' names")
    parser.add_argument("--base", type=Path, default=ROOT / ".venv", help="pinned environment")
    parser.add_argument("--folder", type=Path, help="where environments are made; /tmp")
    parser.add_argument("--mmcv-wheel", type=Path, help="a wheel of the full mmcv 2.1.0")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
