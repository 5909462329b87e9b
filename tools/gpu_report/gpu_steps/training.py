"""Complete trainings: NYUv2 from scratch, and the networks of the CIFAR study."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.tables import Table

from mtlplugins.analysis.results import read_run

from . import ROOT
from .commands import call, train
from .steps import Setting

#: Seconds of a step that are reserved for saving, testing and reading.
_REST = 15.0
_NYUV2_SCORES = ("semantic/mIoU", "depth/abs_err", "depth/abs_rel", "normals/mean")


def nyuv2(setting: Setting, *, config: str, options: Sequence[str] = ()) -> Iterator[Table]:
    """Train a config on NYUv2 in bfloat16, with a memory cache of the decoded data."""
    began = time.monotonic()
    root = data_root(setting, "nyuv2")
    _make_normals(root)
    work_dir = setting.scratch / Path(config).stem
    resident = [f"{name}_dataloader.dataset.resident=True" for name in ("train", "val")]
    settings = [f"data_root={root}", *resident, *_workers(setting), *options]
    left = setting.seconds - (time.monotonic() - began) - _REST
    whole = train(config, work_dir, settings, setting, amp=True, seconds=left)
    run = read_run(work_dir)
    rows = [
        (v.position, *(round(v.scores.get(name, float("nan")), 4) for name in _NYUV2_SCORES))
        for v in run.log.validations
    ]
    length = "" if whole else "; the time was up before the last"
    yield Table(
        f"{Path(config).stem}, by epoch",
        ("epoch", *_NYUV2_SCORES),
        rows,
        f"Seed 0, bfloat16, {run.length} epochs{length}. {_input_share(work_dir)}",
    )


def cifar(setting: Setting, *, config: str, options: Sequence[str] = ()) -> Iterator[Table]:
    """Train a config of the study in bfloat16, and test its best checkpoint."""
    root = data_root(setting, "cifar")
    path, work_dir = f"configs/cifar/{config}.py", setting.scratch / config
    settings = [f"data_root={root}", *_workers(setting), *options]
    began = time.monotonic()
    whole = train(path, work_dir, settings, setting, amp=True, seconds=setting.seconds - _REST)
    seconds = time.monotonic() - began
    tested = {}
    if whole:
        arguments = [path, str(work_dir), "--work-dir", str(work_dir), "--cfg-options"]
        call("tools/test.py", [*arguments, *settings], setting)
        tested = dict(read_run(work_dir).tested or {})
    run = read_run(work_dir)
    last = run.log.validations[-1] if run.log.validations else None
    names = [name for name in (last.scores if last else {}) if name.endswith("/top1")]
    yield Table(
        f"CIFAR, {config}",
        ("scores", "epochs", *names),
        [
            *([("validation", last.position, *(last.scores[n] for n in names))] if last else []),
            *([("test", "best", *(tested.get(n, float("nan")) for n in names))] if tested else []),
        ],
        f"Seed 0, bfloat16, {seconds:.0f} s of training. {_input_share(work_dir)}",
    )


def data_root(setting: Setting, name: str) -> Path:
    """Join the packed parts ``NAME`` and ``NAME_*`` of a data set.

    Raises:
        FileNotFoundError: No part was packed.
    """
    out = setting.scratch / "data" / name
    if out.is_dir():
        return out
    found = (setting.carried / name, *sorted(setting.carried.glob(f"{name}_*")))
    parts = [part for part in found if part.is_dir()]
    if not parts:
        raise FileNotFoundError(f"no {name} in {setting.carried}: carry it, see pack.py")
    for part in parts:
        shutil.copytree(part, out, dirs_exist_ok=True)
    for script in sorted(out.glob("unpack*.py")):
        subprocess.run([sys.executable, str(script), str(out)], check=True)
    return out


def _make_normals(root: Path) -> None:
    """Compute missing normals on all cores, with one converter per part of the frames."""
    files = sorted((root / "depth").glob("*.png"))
    todo = [file for file in files if not (root / "normals" / file.name).is_file()]
    if not todo:
        return
    count = os.cpu_count() or 1
    with ThreadPoolExecutor(count) as pool:
        parts = [todo[number::count] for number in range(count)]
        list(pool.map(lambda number: _convert(root, number, parts[number]), range(count)))


def _convert(root: Path, number: int, files: Sequence[Path]) -> None:
    if not files:
        return
    part = root.parent / f"{root.name}_part{number}"
    (part / "depth").mkdir(parents=True)
    for file in files:
        (part / "depth" / file.name).symlink_to(file.resolve())
    script = ROOT / "tools" / "dataset_converters" / "nyuv2_normals.py"
    command = [sys.executable, str(script), str(part), "--out", str(root / "normals")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _workers(setting: Setting) -> list[str]:
    number = 0 if setting.rehearse else max((os.cpu_count() or 1) - 2, 1)
    found = []
    for name in ("train", "val", "test"):
        found.append(f"{name}_dataloader.num_workers={number}")
        if not number:
            found.append(f"{name}_dataloader.persistent_workers=False")
    return found


def _input_share(work_dir: Path) -> str:
    """Describe the share of time that the training waited for its input."""
    waited = total = 0.0
    for file in work_dir.glob("*/vis_data/scalars.json"):
        for line in file.read_text().splitlines():
            entry = json.loads(line)
            if "iter" in entry and "data_time" in entry and "time" in entry:
                waited += entry["data_time"]
                total += entry["time"]
    return f"It waited for input {waited / total:.1%} of the time." if total else ""
