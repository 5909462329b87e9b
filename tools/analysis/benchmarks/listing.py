"""Benchmark of a start with millions of images whose listing is cached: Taskonomy's."""

from __future__ import annotations

import json
import tempfile
import time
from functools import partial
from pathlib import Path

from mtlplugins.datasets import TaskonomyDataset

from .memory import peak_megabytes
from .tables import Table

VIEWS = 9000  # per building
_FOLDERS = dict(rgb="rgb", depth_zbuffer="depth_zbuffer", segment_semantic="segmentsemantic")


def measure(*, buildings: int = 500, views: int = VIEWS) -> list[Table]:
    """Start with a cache of ``buildings`` times ``views`` images and two targets of each."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _make(root, buildings, views)
        began = time.process_time()
        _start(root, buildings * views)
        seconds = time.process_time() - began
        mebibytes = peak_megabytes(partial(_start, root, buildings * views), "cpu")
    return [
        Table(
            "Start from a cached listing, two targets",
            ("images", "s of the processor", "MiB of the process"),
            [(buildings * views, seconds, mebibytes)],
        )
    ]


def _start(root: Path, images: int) -> None:
    data = TaskonomyDataset(str(root), ann_file="buildings.txt", index_dir=str(root / "index"))
    last = data.get_data_info(images - 1)
    if len(data) != images or len(last["target_sources"]) != 2:
        raise RuntimeError(f"{len(data)} images instead of {images}, the last one {last}")


def _make(root: Path, buildings: int, views: int) -> None:
    """Make folders of one file each, and the cache of a start that found ``views`` there."""
    names = [f"building{number}" for number in range(buildings)]
    (root / "buildings.txt").write_text("\n".join(names))
    for building in names:
        for name, domain in _FOLDERS.items():
            file = root / building / name / f"point_0_view_0_domain_{domain}.png"
            file.parent.mkdir(parents=True)
            file.touch()
    time.sleep(2.5)  # a folder that changed just now is not cached
    _start(root, buildings)
    (cache,) = (root / "index").iterdir()
    many = "/".join(f"point_{number // 4}_view_{number % 4}" for number in range(views))
    found = {key: (changed, many) for key, (changed, _) in json.loads(cache.read_text()).items()}
    cache.write_text(json.dumps(found))
