"""Writing of a data set as shards."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mtlplugins.common.progress import track
from mtlplugins.datasets.multitask import MultiTaskDataset
from mtlplugins.datasets.reading.files import read_content
from mtlplugins.datasets.targets.class_map import ClassMap
from mtlplugins.io.atomic_file import write_atomically

from .dataset import IMAGES
from .scan import scan_shards

_NAME = "{:06d}.tar"


def write_shards(
    dataset: MultiTaskDataset, out: Path, *, shard_bytes: int = 10**9
) -> dict[str, dict]:
    """Write all samples of a data set to tar files and their index; images and maps byte by byte.

    Label maps that are drawn from one file for all images, or from several for each, become PNG
    files of classes.

    Args:
        dataset: A data set whose images are in files.
        out: Folder to write to; new or empty.
        shard_bytes: Bytes after which a shard ends.

    Returns:
        The targets of a :class:`ShardDataset` for ``out``.

    Raises:
        ValueError: The folder is not empty, the data set generates its images or holds them in
            memory, or a task's targets are neither in files nor values.
    """
    if not isinstance(dataset, MultiTaskDataset) or dataset.generated:
        raise ValueError(f"a {type(dataset).__name__} has no image files: it needs no shards")
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise ValueError(f"{out} is not empty: give a new folder")
    numbers = iter(track(range(len(dataset)), "images"))
    used: set[str] = set()
    shards = 0
    current = next(numbers, None)
    while current is not None:
        left: list[int | None] = [current]

        def write(part: Path, left: list[int | None] = left) -> None:
            with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
                while left[0] is not None and (not tar.offset or tar.offset < shard_bytes):
                    for name, content in _members(dataset, left[0], used):
                        member = tarfile.TarInfo(name)
                        member.size = len(content)
                        tar.addfile(member, BytesIO(content))
                    left[0] = next(numbers, None)

        write_atomically(out / _NAME.format(shards), write)
        current, shards = left[0], shards + 1
    scan_shards(out).save(out)
    return {task: _target(dataset, task) for task in dataset.target_types}


def _members(dataset: MultiTaskDataset, index: int, used: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the members of a sample."""
    info = dataset.get_data_info(index)
    path = info.get("img_path", "")
    suffix = Path(path).suffix.lower()
    if "img" in info or suffix.removeprefix(".") not in IMAGES:
        raise ValueError(
            f"{path or f'image {index}'}: shards take images in files of {', '.join(IMAGES)}"
        )
    key = str(info.get("name", index)).replace(".", "_")
    if key in used or key.startswith("/") or ".." in key or not key.isprintable():
        key = f"{index:09d}"
    used.add(key)
    yield key + suffix, read_content(path)
    for task, source in info["target_sources"].items():
        kind, content = _content(dataset, task, source)
        yield f"{key}.{task}{kind}", content


def _content(dataset: MultiTaskDataset, task: str, source: Any) -> tuple[str, bytes]:
    """Return suffix and content of a target's member."""
    target = dataset.target_types[task]
    if isinstance(source, str) and target.alone:
        return Path(source).suffix.lower(), read_content(source)
    if isinstance(source, (int, np.ndarray)):
        value = source.tolist() if isinstance(source, np.ndarray) else source
        return ".json", json.dumps(value).encode()
    if not isinstance(target, ClassMap) or not 0 <= target.ignore_index < 2**16:
        raise ValueError(
            f"task {task!r}: a {type(target).__name__} cannot be written to shards; leave it out "
            "with dataset.tasks, or give an ignore_index of 0 to 65535"
        )
    labels = target.load(source)
    content = BytesIO()
    few = labels.max(initial=0) < 2**8
    Image.fromarray(labels.astype(np.uint8 if few else np.uint16)).save(content, "PNG")
    return ".png", content.getvalue()


def _target(dataset: MultiTaskDataset, task: str) -> dict:
    """Return the config of a task's target in shards."""
    target, config = dataset.target_types[task], dict(dataset.target_configs[task])
    found = (dataset.get_data_info(i)["target_sources"].get(task) for i in range(len(dataset)))
    source = next((s for s in found if s is not None), None)
    in_file = isinstance(source, str) and target.alone
    if isinstance(target, ClassMap) and source is not None and not in_file:
        return dict(
            type="LabelMap",
            classes=list(target.classes),
            palette=target.palette,
            ignore_index=target.ignore_index,
            left_right=list(target.left_right),
        )
    return {key: value for key, value in config.items() if key not in ("folder", "suffix", "file")}
