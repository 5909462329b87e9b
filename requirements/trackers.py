"""Train shortly with each tracker's newest client, offline, and say what arrived.

    python requirements/trackers.py                # all; `make test-trackers`
    python requirements/trackers.py MLflow Aim     # some

Each client is installed into a new environment in a temporary folder, which sees the pinned one
(--base, .venv by default) and is removed before the next. A small model is trained with it, and
again from the middle; the weights must be those of a run without any tracker, bit by bit. Then the
scalars of all tasks, the panels and the config are looked for in what the client wrote. The exit
status is 1 if anything is missing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from compat import ROOT, Factor, make_environment

CONFIG = """
_base_ = "mtlplugins::rooms/demo.py"
custom_imports = dict(imports={imports}, allow_failed_imports=False)
visualizer = dict(vis_backends=[{backends}])
train_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(length=48))
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(length=4))
default_hooks = dict(
    logger=dict(interval=2),
    visualization=dict(type="MultiTaskVisualizationHook", draw=True, interval=2),
)
"""
TRAIN = "from mtlplugins.apis.train import main\nmain()\n"
SCALARS = ("semantic_loss", "depth_loss", "semantic/mIoU", "depth/rmse")


@dataclass(frozen=True)
class Tracker:
    """A tracker.

    Attributes:
        name: What it is called.
        packages: What pip is given; the first is the client.
        backend: Entry of ``visualizer.vis_backends``.
        read: Code that reads what the client wrote below the current folder, and prints a line
            for each scalar's name, ``panel`` for each panel, and ``config``.
        imports: What its backend is imported from, if that is not MMEngine.
    """

    name: str
    packages: tuple[str, ...]
    backend: str
    read: str
    imports: str = ""


#: Look for names in all files, also inside of archives: what no client can read back offline.
IN_FILES = """
import zipfile
from pathlib import Path
found = []
for file in Path().rglob("*"):
    if "timestamp" in file.parts or not file.is_file() or file.suffix in (".pth", ".log"):
        continue
    panels = "val_" in file.as_posix() or "media" in file.parts
    if file.suffix in IMAGES and panels and "vis_image" not in file.parts:
        print("panel")
    if file.suffix in TEXTS:
        found.append(file.as_posix().encode())
        found.append(file.read_bytes().replace(b"\\\\/", b"/"))
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            found += map(archive.read, archive.namelist())
            for name in archive.namelist():
                if name.endswith(IMAGES):
                    print("panel")
text = b"\\n".join(found)
for name in SCALARS:
    if name.encode() in text:
        print(name)
if b"SegmentationHead" in text:
    print("config")
"""


def in_files(*suffixes: str) -> str:
    """Return code that looks for everything in files with these suffixes."""
    return (
        f"TEXTS = {suffixes}\nIMAGES = ('.png', '.jpeg', '.jpg')\nSCALARS = {SCALARS}\n{IN_FILES}"
    )


TRACKERS = (
    Tracker(
        "TensorBoard",
        ("tensorboard",),
        'dict(type="TensorboardVisBackend")',
        """
from glob import glob
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
for folder in {f.rpartition("/")[0] for f in glob("run/*/vis_data/events*")}:
    events = EventAccumulator(folder)
    events.Reload()
    tags = events.Tags()
    print(*tags["scalars"], sep="\\n")
    print("panel\\n" * len(tags["images"]))
    print("config" if any("config" in tag for tag in tags["tensors"]) else "")
""",
    ),
    Tracker(
        "Weights & Biases",
        ("wandb",),
        'dict(type="WandbVisBackend", init_kwargs=dict(mode="offline"))',
        in_files(".wandb"),
    ),
    Tracker(
        "MLflow",
        ("mlflow",),
        'dict(type="MLflowVisBackend")',
        """
import os
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
from glob import glob
from mlflow.tracking import MlflowClient
for folder in glob("run/*/vis_data/*/meta.yaml"):
    client = MlflowClient("file://" + os.path.abspath(folder.rsplit("/", 2)[0]))
    for run in client.search_runs([e.experiment_id for e in client.search_experiments()]):
        print(*run.data.metrics, sep="\\n")
        files = [file.path for file in client.list_artifacts(run.info.run_id)]
        print("panel\\n" * sum(file.endswith(".png") for file in files))
        print("config" if "config.py" in files and run.data.params else "")
""",
    ),
    Tracker(
        "Aim",
        ("aim",),
        'dict(type="AimVisBackend")',
        """
import os, subprocess, sys
from glob import glob
from aim import Repo
for folder in glob("**/.aim", recursive=True, include_hidden=True):
    where = os.path.dirname(folder) or "."
    aim = os.path.join(os.path.dirname(sys.executable), "aim")
    subprocess.run([aim, "storage", "--repo", where, "reindex", "-y"], check=True)
    for run in Repo(where).iter_runs():
        for metric in run.metrics():
            print(metric.name)
        print("panel\\n" * len(run.collect_sequence_info(("images",))["images"]))
        print("config" if "SegmentationHead" in str(run["hparams"]) else "")
""",
    ),
    Tracker("ClearML", ("clearml",), 'dict(type="ClearMLVisBackend")', in_files(".json", ".jsonl")),
    Tracker(
        "DVCLive",
        ("dvclive",),
        'dict(type="DVCLiveVisBackend")',
        in_files(".tsv", ".json", ".yaml"),
    ),
    Tracker(
        "SwanLab",
        ("swanlab",),
        'dict(type="SwanlabVisBackend", init_kwargs=dict(mode="offline"))',
        in_files(".swanlab", ".json", ".yaml", ".log", ".run", ".pb", ".db"),
        imports="swanlab.integration.mmengine",
    ),
)


def main(arguments: list[str]) -> int:
    """Try the trackers that were asked for and print the table; 1 if something is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="trackers; all if left out")
    parser.add_argument("--base", type=Path, default=ROOT / ".venv", help="pinned environment")
    args = parser.parse_args(arguments)
    if unknown := set(args.names) - {tracker.name for tracker in TRACKERS}:
        sys.exit(f"no tracker {', '.join(sorted(unknown))}; there are {[t.name for t in TRACKERS]}")
    base = args.base.absolute()
    with tempfile.TemporaryDirectory(prefix="mtlplugins-trackers-") as folder:
        plain = Path(folder)
        if problem := train(base / "bin" / "python", plain, "", ""):
            sys.exit(f"the run without a tracker failed:\n{problem}")
        expected = weights(plain)
    rows, failed = [], False
    for tracker in TRACKERS:
        if not args.names or tracker.name in args.names:
            with tempfile.TemporaryDirectory(prefix="mtlplugins-trackers-") as folder:
                row, complete = attempt(tracker, base, Path(folder), expected)
            rows.append(row)
            failed |= not complete
            print(row, flush=True)
    print(
        "\n| tracker | client | weights | resumed | scalars, panels, config |"
        "\n|---|---|---|---|---|"
    )
    print("\n".join(rows))
    return int(failed)


def attempt(tracker: Tracker, base: Path, room: Path, expected: str) -> tuple[str, bool]:
    """Train and read back with one tracker; return its row, and whether all is as it should be."""
    # a pinned client is replaced by the newest
    factor = Factor(tracker.name, without=tracker.packages[:1], install=tracker.packages)
    python = make_environment(factor, base, room, None)
    work = room / "work"
    work.mkdir()
    client = _call(python, work, "-c", _VERSION, tracker.packages[0]).strip()
    problem = train(python, work, tracker.backend, tracker.imports)
    if problem:
        return f"| {tracker.name} | {client} | the run failed: {problem[-300:]} | | |", False
    same = weights(work) == expected
    read = subprocess.run(
        [python, "-c", tracker.read],
        cwd=work,
        env=_environment(work),
        capture_output=True,
        text=True,
    )
    if read.returncode:
        print(read.stderr, file=sys.stderr)
    lines = read.stdout.splitlines()
    missing = [name for name in (*SCALARS, "panel", "config") if name not in lines]
    (work / "run" / "epoch_2.pth").unlink()
    (work / "run" / "last_checkpoint").write_text(str(work / "run" / "epoch_1.pth"))
    problem = train(python, work, tracker.backend, tracker.imports, "--resume")
    resumed = not problem and weights(work) == expected
    words = {True: "the same", False: "OTHERS"}
    found = f"all, {lines.count('panel')} panels" if not missing else f"NOT {', '.join(missing)}"
    row = f"| {tracker.name} | {client} | {words[same]} | {words[resumed]} | {found} |"
    return row, same and resumed and not missing


def train(python: Path, work: Path, backend: str, imports: str, *options: str) -> str:
    """Train in the folder `work`; return the end of the output if that failed."""
    names = ["mtlplugins", *filter(None, [imports])]
    backends = ", ".join(filter(None, ['dict(type="LocalVisBackend")', backend]))
    (work / "config.py").write_text(CONFIG.format(imports=names, backends=backends))
    (work / "train.py").write_text(TRAIN)
    done = subprocess.run(
        [python, "train.py", "config.py", "--work-dir", "run", *options],
        cwd=work,
        env=_environment(work),
        capture_output=True,
        text=True,
        timeout=600,
    )
    for line in (done.stdout + done.stderr).splitlines():
        if "the run goes on without it" in line:
            print(f"  {line}", file=sys.stderr)
    return (done.stdout + done.stderr)[-2000:] if done.returncode else ""


def weights(work: Path) -> str:
    """Return a digest of the weights at the end of the training."""
    state = torch.load(work / "run" / "epoch_2.pth", weights_only=False)["state_dict"]
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(name.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


_VERSION = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"


def _environment(work: Path) -> dict[str, str]:
    """The variables of a run: this tree's package, one thread, no service, a home of its own."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "HOME": str(work),
        "CLEARML_OFFLINE_MODE": "1",
        "CLEARML_CACHE_DIR": str(work / "clearml"),
        "WANDB_MODE": "offline",
        "SWANLAB_MODE": "offline",
    }


def _call(python: Path, work: Path, *arguments: str) -> str:
    done = subprocess.run(
        [python, *arguments], cwd=work, env=_environment(work), check=True, stdout=-1, text=True
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
