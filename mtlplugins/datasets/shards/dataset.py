"""Data set of shards: tar files in WebDataset's layout, read in place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mmengine.logging import print_log
from mmseg.registry import DATASETS

from mtlplugins.common.notice import Notice
from mtlplugins.datasets.common_arguments import CommonArguments
from mtlplugins.datasets.multitask import MultiTaskDataset
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.reading.members import is_url, member_size, read_member
from mtlplugins.datasets.targets.base import Target
from mtlplugins.datasets.targets.image_label import ImageLabel
from mtlplugins.datasets.targets.image_values import ImageValues
from mtlplugins.datasets.targets.sizes import say_resized

from .index import FILE, ShardIndex
from .scan import scan_shards

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: Kinds of members that are the image, in the order in which they are looked for.
IMAGES = ("jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "npy")
_LOOKED_AT = 1000  # samples, for notices
_VALUE_BYTES = 2**20


class ShardSamples(Sequence):
    """Descriptions of the samples for the pipeline, each made when it is asked for.

    Args:
        index: The index.
        root: Folder or URL of the shards.
        tasks: Tasks to load.
    """

    def __init__(self, index: ShardIndex, root: str, tasks: Sequence[str]) -> None:
        self.places = index
        self.root = root
        self.files, self.names = list(index.files), index.names
        self.tasks = tasks

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, sample: Any) -> Any:
        if isinstance(sample, slice):
            return [self[i] for i in range(*sample.indices(len(self)))]
        sample = range(len(self))[sample]
        members = self.places.members(sample, self.root, self.files, self.names)
        images = [members[kind] for kind in IMAGES if kind in members]
        if len(images) != 1:
            shard = self.files[self.places.shard[sample]]
            raise BrokenFile(
                f"sample {self.places.key(sample)!r} of {shard} has "
                f"the members {', '.join(members)}: give it one image, of {', '.join(IMAGES)}",
                self.root,
            )
        sources = {
            task: path
            for kind, path in members.items()
            if (task := kind.partition(".")[0]) in self.tasks and "." in kind
        }
        name = self.places.key(sample)
        return dict(img_path=images[0], name=name, target_sources=sources)

    def counts(self) -> dict[str, int]:
        """Count the samples of each task."""
        found = Counter(dict.fromkeys(self.tasks, 0))
        number = np.bincount(self.places.kind, minlength=len(self.names)).tolist()
        for kind, count in zip(self.names, number, strict=True):
            task, _, suffix = kind.partition(".")
            if suffix and task in found:
                found[task] += count
        return dict(found)


@DATASETS.register_module()
class ShardDataset(MultiTaskDataset):
    """Images and targets in tar files, read in place: data larger than a disk, or far away.

    ``mtlplugins to-shards`` writes them from any data set in files, with this part of the config.
    A sample's image is its member ``KEY.jpg`` (or png, webp, tif, bmp, npy), the target of task t
    ``KEY.t.png`` or what its kind reads; a value that is in no file, such as a class, is
    ``KEY.t.json``. A sample without a member of a task lacks that target.

    A member is a range of bytes, so samples are drawn by number as those of other data sets: any
    number of ranks and workers, and exact resuming. ``index.npz`` beside the shards lists the
    members; it is made at the first start in a local folder.

    Args:
        data_root: Folder of the tar files; or a URL of it that fsspec reads, such as
            ``https://host/shards`` or ``s3://bucket/shards`` (extra ``shards``), with an index.
        targets: For each task its kind, as in :class:`MultiTaskDataset`; folders and suffixes are
            not used.
        tasks: Tasks to load; None for all of ``targets``.
        **common: As in :class:`MultiTaskDataset`.

    Raises:
        FileNotFoundError: There is no such folder, or no index at a URL.
        ValueError: A shard is damaged, has changed, or a task has no member; the message names it.
    """

    serialize = False  # the samples are arrays, which workers share

    def __init__(
        self,
        data_root: str,
        targets: dict[str, dict],
        *,
        tasks: Sequence[str] | None = None,
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(data_root, targets, tasks=tasks, **common)

    def load_data_list(self) -> Any:
        """Read or make the index, and check that the shards are those that it lists."""
        root = str(self.data_root).rstrip("/")
        samples = ShardSamples(self._index(root), root, tuple(self.target_types))
        counts = samples.counts()
        for task, count in counts.items():
            if not count:
                raise ValueError(
                    f"task {task!r}: no sample in {root} has a member '{task}.SUFFIX'; there are "
                    f"{', '.join(samples.names)}: name the task as the members, or leave it out "
                    "with dataset.tasks"
                )
        print_log(
            Notice(
                f"{type(self).__name__} {root}: {len(samples)} images in {len(samples.files)} "
                "shards; targets: " + ", ".join(f"{task} {n}" for task, n in counts.items())
            ),
            logger="current",
        )
        self.say_images(samples[0]["img_path"])
        first = ((i["img_path"], i["target_sources"]) for i in islice(samples, _LOOKED_AT))
        say_resized(self.target_types, first)
        return samples

    def get_data_info(self, idx: int) -> dict:
        """Describe a sample to the pipeline, with the values that are not in files of their own."""
        info = super().get_data_info(idx)
        for task, source in info["target_sources"].items():
            if source.endswith(".json"):
                info["target_sources"][task] = _value(source, self.target_types[task])
        return info

    def _index(self, root: str) -> ShardIndex:
        if is_url(root):
            try:
                return ShardIndex.load(root)
            except FileNotFoundError as error:
                raise FileNotFoundError(
                    f"no {root}/{FILE}: mtlplugins to-shards writes it, and so does the first "
                    "start with the shards in a local folder; copy it beside them"
                ) from error
        folder = Path(root)
        if not folder.is_dir():
            raise FileNotFoundError(f"no shards at {folder.absolute()}: {self.source}")
        try:
            index = ShardIndex.load(root)
        except FileNotFoundError:
            index = scan_shards(folder)
            index.save(folder)
        for name, size in index.files.items():
            there = (folder / name).stat().st_size if (folder / name).is_file() else 0
            if there != size:
                raise ValueError(
                    f"{folder / name} has {there} bytes, {size} when {FILE} was made: copy the "
                    f"shard again if it is truncated, or remove {folder / FILE}, which is then "
                    "made anew"
                )
        return index


def _value(path: str, target: Target) -> Any:
    """Read the value of a target that is in no file of its own."""
    try:
        if (member_size(path) or 0) > _VALUE_BYTES:
            raise ValueError("it is larger than 1 MiB")
        value = json.loads(read_member(path))
        if isinstance(target, ImageValues):
            value = np.array(value, target.dtype)
        elif not _is_class(value, target):
            raise ValueError(f"{value!r} is no value of a {type(target).__name__}")
    except (ValueError, TypeError, RecursionError, OSError) as error:
        raise BrokenFile(f"{path} holds no value of this task ({error})", path) from error
    return value


def _is_class(value: Any, target: Target) -> bool:
    if not isinstance(target, ImageLabel) or type(value) is not int:
        return False
    return 0 <= value < len(target.classes or ())
