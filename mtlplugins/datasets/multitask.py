"""Images with any subset of targets each, laid out in folders."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmseg.registry import DATASETS

from mtlplugins.common.randomness import seeded

from .draw_sampler import Draw
from .reading.files import BrokenFile, read_lines
from .reading.listing import Listing
from .reading.memory_cache import ResidentImages
from .targets.base import Target

#: Images tried in place of a broken one; when all are broken too, it is no longer a file or two.
_REPLACEMENTS = 10


@DATASETS.register_module()
class MultiTaskDataset(BaseDataset):
    """Images and the targets each of them has.

    A folder-shaped data set needs no code. An image ``name`` of the split file is the file
    ``data_root/image.folder/name + image.suffix``; its target of a task is the file of that task's
    folder and suffix. A target file that is not there means that the image lacks this target.

    Args:
        data_root: Folder of the data set.
        targets: For each task the kind of target and where it lies, for example
            ``depth=dict(type='DepthMap', folder='depth', suffix='.png', unit=0.001)``.
        ann_file: Split file, one name per line, below ``data_root``; empty for all images in the
            folder and below that are not hidden.
        image: ``folder`` and ``suffix`` of the images.
        tasks: Tasks to load; None for all of ``targets``.
        broken_files: What to do in training when a file of a draw is broken: ``'stop'`` with an
            error that names it, or ``'skip'``: draw another image that has the same targets, chosen
            by the draw alone. Its sample's ``left_out`` then names the broken files, for
            :class:`BrokenFilesHook`.
        resident: Whether to decode all images and targets at the start and keep them in memory;
            for small sets, which are then read once and not in every epoch.
        pipeline: Transforms.
        test_mode: As in MMEngine.
        indices: Use only the first so many images, or those of these indices.
        lazy_init: As in MMEngine.

    Raises:
        FileNotFoundError: The root, the split file, a listed image, or all targets of a task are
            missing.
        ValueError: No image, an unknown task, a split file with a name twice or one that leads out
            of the folder, a label that is no class, ``indices`` of no image, or files to be skipped
            in a test, whose score would not be that of its images.
    """

    #: Whether items are made and not read, so that what they hold is by chance.
    generated = False
    #: How to get the data, for the error when it is not there.
    source = "set data_root to the folder of the data set (--cfg-options data_root=DIR)"

    def __init__(
        self,
        data_root: str,
        targets: dict[str, dict],
        *,
        ann_file: str = "",
        image: dict = dict(folder="image", suffix=".jpg"),  # noqa: B006, read only
        tasks: Sequence[str] | None = None,
        broken_files: str = "stop",
        resident: bool = False,
        pipeline: Sequence = (),
        test_mode: bool = False,
        indices: int | Sequence[int] | None = None,
        lazy_init: bool = False,
    ) -> None:
        tasks = tuple(targets if tasks is None else tasks)
        for task in tasks:
            if task not in targets:
                raise ValueError(f"unknown task {task!r}; this data set has {', '.join(targets)}")
        if broken_files not in ("stop", "skip"):
            raise ValueError(f"broken_files={broken_files!r}: give 'stop' or 'skip'")
        if broken_files == "skip" and test_mode:
            raise ValueError(
                "broken_files='skip' is for training: a test must score all of its images"
            )
        self.broken_files = broken_files
        self.resident = resident
        self._resident: ResidentImages | None = None
        if set(image) != {"folder", "suffix"}:
            raise ValueError(f"image={dict(image)}: give its folder and its suffix")
        self.image = dict(image)
        self.target_types: dict[str, Target] = {
            task: DATASETS.build(targets[task]) for task in tasks
        }
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix={},
            pipeline=list(pipeline),
            test_mode=test_mode,
            indices=indices,
            lazy_init=lazy_init,
        )

    @property
    def metainfo(self) -> dict[str, Any]:
        """Description of each task, for metrics and pictures."""
        return dict(tasks={task: target.meta() for task, target in self.target_types.items()})

    def load_data_list(self) -> list[dict]:
        """List images and their targets, and check that the files are there."""
        root = Path(self.data_root)
        if not root.is_dir():
            raise FileNotFoundError(f"no data set at {root.absolute()}: {self.source}")
        folder, suffix = root / self.image["folder"], self.image["suffix"]
        images = Listing(folder)
        names = self._names(images)
        if missing := [name for name in names if name + suffix not in images]:
            raise FileNotFoundError(
                f"{len(missing)} of {len(names)} images listed in {self.ann_file} are missing, the "
                f"first is {folder / (missing[0] + suffix)}{images.hint(missing[0])}"
            )
        targets = {task: self._find(task, names) for task in self.target_types}
        counts = {task: len(found) for task, found in targets.items()}
        for task, count in counts.items():
            if not count:
                raise FileNotFoundError(
                    f"task {task!r}: none of the {len(names)} images has a target in "
                    f"{self._where(task, names[0])}; correct the data or the data set's "
                    f"targets.{task}, or leave the task out with dataset.tasks"
                )
        print_log(
            f"{type(self).__name__} {self.ann_file or folder}: {len(names)} images; targets: "
            + ", ".join(f"{task} {count}" for task, count in counts.items()),
            logger="current",
        )
        return [
            dict(
                img_path=str(folder / (name + suffix)),
                name=name,
                target_sources={t: found[name] for t, found in targets.items() if name in found},
            )
            for name in names
        ]

    def _get_unserialized_subset(self, indices: int | Sequence[int]) -> list:
        """Choose ``indices`` of the list; MMEngine calls it."""
        try:
            chosen = super()._get_unserialized_subset(indices)
        except IndexError:
            chosen = []
        if not chosen:
            count = len(self.data_list)
            raise ValueError(
                f"indices={indices!r}: say how many of the {count} images to use, or give a list "
                f"of some of 0 to {count - 1}"
            )
        return chosen

    def _names(self, images: Listing) -> list[str]:
        suffix = self.image["suffix"]
        if not self.ann_file:
            files = list(images.all())
            names = sorted(file.removesuffix(suffix) for file in files if file.endswith(suffix))
            ends = suffix.lower()
            other = [f for f in files if f.lower().endswith(ends) and not f.endswith(suffix)]
            hint = ""
            if other:
                hint = (
                    f"; {len(other)} files, such as {other[0]}, end in it but for upper and lower "
                    "case: rename them to take them in"
                )
            if not names:
                raise ValueError(f"no image with suffix {suffix} in {images.folder}{hint}")
            if hint:
                print_log(
                    f"images with suffix {suffix} in {images.folder}: {len(names)}{hint}",
                    logger="current",
                    level=logging.WARNING,
                )
            return names
        path = Path(self.ann_file)
        if not path.is_file():
            raise FileNotFoundError(f"no split file {path.absolute()}: {self.source}")
        names = [line.removesuffix(suffix) for line in read_lines(path)]
        if not names:
            raise ValueError(f"{path} lists no image")
        twice, count = Counter(names).most_common(1)[0]
        if count > 1:
            raise ValueError(f"{path} lists {twice!r} {count} times")
        return names

    def _find(self, task: str, names: Sequence[str]) -> dict[str, str | int]:
        """Find the targets of a task: file or class index by image name."""
        target = self.target_types[task]
        if target.dense:
            files = Listing(Path(self.data_root) / target.folder)
            return {
                name: str(files.folder / (name + target.suffix))
                for name in names
                if name + target.suffix in files
            }
        path = Path(self.data_root) / target.file
        if not path.is_file():
            return {}
        labels = target.read(path)
        return {name: labels[name] for name in names if name in labels}

    def _where(self, task: str, name: str) -> str:
        """Describe where a task's targets were looked for, and what is there instead."""
        target = self.target_types[task]
        path = Path(self.data_root) / (target.folder if target.dense else target.file)
        if not path.exists():
            return f"{path}, which does not exist"
        if not target.dense:
            return str(path)
        return f"{path} with suffix {target.suffix}{Listing(path).hint(name)}"

    def full_init(self) -> None:
        """List the images, and load them if they are to stay in memory."""
        super().full_init()
        if self.resident and self._resident is None:
            infos = (self.get_data_info(idx) for idx in range(len(self)))
            keep_broken = self.broken_files == "skip"
            self._resident = ResidentImages(self.pipeline, infos, keep_broken=keep_broken)

    def prepare_data(self, idx: int) -> Any:
        """Load and transform an image; MMEngine calls it."""
        return super().prepare_data(idx) if self._resident is None else self._resident[idx]

    def tasks_of(self, idx: int) -> list[str]:
        """List the tasks that an image has a target of."""
        return list(super().get_data_info(idx)["target_sources"])

    def get_data_info(self, idx: int) -> dict:
        """Describe an image and its targets to the pipeline."""
        info = super().get_data_info(idx)
        info["target_types"] = self.target_types
        return info

    def __getitem__(self, idx: int) -> dict:
        """Load and transform an image; a :class:`Draw` by its seed and number alone."""
        if isinstance(idx, Draw):
            with seeded(idx.seed, idx.number):
                return self._load(int(idx), idx.seed, idx.number)
        return self._load(idx, idx % len(self))

    def _load(self, idx: int, *entropy: int) -> dict:
        """Load an image, or where its files are broken and may be, another."""
        if self.broken_files == "stop":
            return super().__getitem__(idx)
        left_out = []
        for other in chain([idx], self._replacements(idx, *entropy)):
            try:
                item = super().__getitem__(other)
            except BrokenFile as error:
                left_out.append(error)
                continue
            if left_out:
                item["data_samples"].set_metainfo(dict(left_out=[str(e) for e in left_out]))
            return item
        raise BrokenFile(
            f"a broken file, and none of the {len(left_out) - 1} images tried in its place can be "
            f"read: {'; '.join(map(str, left_out[:3]))}",
            left_out[0].path,
        )

    def _replacements(self, idx: int, *entropy: int) -> Iterator[int]:
        """Choose other images that have the targets of this one at least."""
        tasks = set(self.tasks_of(idx))
        order = np.random.default_rng(entropy).permutation(len(self)).tolist()
        fitting = (i for i in order if i != idx and tasks <= set(self.tasks_of(i)))
        yield from islice(fitting, _REPLACEMENTS)  # computed only if it is asked for
