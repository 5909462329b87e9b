"""Data set of images, each with any subset of the targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmseg.registry import DATASETS

from mtlplugins.common.notice import Notice
from mtlplugins.common.randomness import seeded

from .draw_sampler import Draw
from .reading.columns import sources_in_columns
from .reading.entries import Entries
from .reading.image_folder import images_in_folder
from .reading.image_modes import say_channels, say_mode
from .reading.memory_cache import MemoryCache
from .reading.replacement import check_broken_files, load_or_replace
from .reading.split_file import SplitFile, read_split
from .targets.base import Target
from .targets.map_file import FilePerImage, suffixes_of
from .targets.sizes import say_resized
from .transforms.channels import LoadImageChannels
from .transforms.foreign import check_pipeline
from .transforms.loading import LoadMultiTaskImage


@DATASETS.register_module()
class MultiTaskDataset(BaseDataset):
    """Images, each with any subset of the targets.

    A data set in folders needs no code. An image ``name`` of the split file is the file
    ``data_root/image.folder/name + image.suffix``; each target finds its own sources, such as the
    files of its folder. An image without a source lacks this target.

    A line of the split file is an image's name, or its path below the root, with or without the
    suffix, or an absolute path below the root; or a folder for all images in it. Words behind it,
    separated by tabs, commas, semicolons or blanks, are the files of the targets whose folder and
    suffix they have (None for a missing one); the first line may name the columns by the tasks.
    What else is there, such as a focal length, is not read, and the log says so.

    Args:
        data_root: Folder of the data set.
        targets: For each task the kind of target and its location, for example
            ``depth=dict(type='DepthMap', folder='depth', suffix='.png', unit=0.001)``.
        ann_file: Split file below ``data_root``, with one image per line; empty for all images in
            the folder and its subfolders, except hidden ones.
        image: ``folder`` and ``suffix`` of the images; several suffixes as a tuple, of which each
            name may have one.
        renames: By task, parts of an image's name and what its target's name has in their place:
            ``dict(depth={"color": "depth"})`` for ``hall/color/0.jpg`` and ``hall/depth/0.png``.
        tasks: Tasks to load; None for all of ``targets``.
        broken_files: What to do in training if a file of a draw is broken: ``'stop'`` with an error
            that names it, or ``'skip'``: load another image that has the same targets, determined
            by the draw. Its sample's ``left_out`` then names the broken files, for
            :class:`BrokenFilesHook`.
        resident: Whether to cache all images and targets, decoded, in memory at the start; for
            small data sets, which are then read once instead of in every epoch.
        pipeline: Transforms.
        test_mode: As in MMEngine.
        indices: Use only the first so many images (an integer), or these indices (a list).
        lazy_init: As in MMEngine.

    Raises:
        FileNotFoundError: The root, the split file, a listed image, or all targets of a task are
            missing.
        ValueError: There is no image, a task is unknown, the split file has a name twice or one
            outside the folder, a line is ambiguous, ``indices`` select no image, or a test shall
            skip broken files.
    """

    data_root: str
    ann_file: str
    #: Whether items are generated at random instead of read from files.
    generated = False
    #: How to get the data, for the error when it is not there.
    source = "set data_root to the folder of the data set (--cfg-options data_root=DIR)"
    #: Whether MMEngine packs the list of images into one block of memory, which workers share.
    serialize = True
    #: An item depends only on the seed and number of its draw: no wrapper has to seed it again.
    seeds_draws = True

    def __init__(
        self,
        data_root: str,
        targets: dict[str, dict],
        *,
        ann_file: str = "",
        image: dict = dict(folder="image", suffix=".jpg"),  # noqa: B006, read only
        renames: Mapping[str, Mapping[str, str]] | None = None,
        tasks: Sequence[str] | None = None,
        broken_files: str = "stop",
        resident: bool = False,
        pipeline: Sequence = (),
        test_mode: bool = False,
        indices: int | Sequence[int] | None = None,
        lazy_init: bool = False,
    ) -> None:
        _check_one_place(data_root, ann_file)
        tasks = tuple(targets if tasks is None else tasks)
        self.renames = dict(renames or {})
        for task in (*tasks, *self.renames):
            if task not in targets:
                raise ValueError(f"unknown task {task!r}; this data set has {', '.join(targets)}")
        check_broken_files(broken_files, test_mode=test_mode)
        self.broken_files = broken_files
        self.resident = resident
        self._cache: MemoryCache | None = None
        if set(image) != {"folder", "suffix"} or not all(
            isinstance(text, str) for text in (image["folder"], *suffixes_of(image["suffix"]))
        ):
            raise ValueError(
                f"image={dict(image)}: give its folder and its suffix, or a tuple of suffixes"
            )
        self.image = dict(image)
        self.target_types: dict[str, Target] = {t: DATASETS.build(targets[t]) for t in tasks}
        self.target_configs = {t: targets[t] for t in tasks}
        self._not_loaded = {t: target for t, target in targets.items() if t not in tasks}
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix={},
            serialize_data=self.serialize,
            pipeline=list(pipeline),
            test_mode=test_mode,
            indices=indices,
            lazy_init=lazy_init,
        )
        self.check_pipeline(self.pipeline.transforms)

    def check_pipeline(self, transforms: Iterable[Callable]) -> None:
        """Refuse transforms that would move images away from their targets."""
        check_pipeline(transforms, self.target_types)

    @property
    def metainfo(self) -> dict[str, Any]:
        """Description of each task, for metrics and panels."""
        return dict(tasks={task: target.meta() for task, target in self.target_types.items()})

    def load_data_list(self) -> list[dict]:
        """List images and their targets, and check that the files are there."""
        root = Path(self.data_root)
        if not root.is_dir():
            raise FileNotFoundError(f"no data set at {root.absolute()}: {self.source}")
        images = Entries(root, self.image["folder"], suffixes_of(self.image["suffix"]))
        in_columns: dict[str, dict[str, str]] = {}
        if self.ann_file:
            split = read_split(Path(self.ann_file), images, root=root, source=self.source)
            entries = [listed.image for listed in split.listed]
            in_columns = self._in_columns(split, root)
        else:
            entries = images_in_folder(images)
        names = [entry.name for entry in entries]
        targets = {
            task: in_columns[task] if task in in_columns else self._find(task, root, names)
            for task in self.target_types
        }
        counts = {task: len(found) for task, found in targets.items()}
        for task, count in counts.items():
            if not count:
                raise FileNotFoundError(
                    f"task {task!r}: none of the {len(names)} images has a target in "
                    f"{self._where(task, names[0])}; correct the data or the data set's "
                    f"targets.{task}, list the targets behind the images in the split file, or "
                    "leave the task out with dataset.tasks"
                )
        where = self.ann_file or images.folder
        print_log(
            Notice(
                f"{type(self).__name__} {where}: {len(names)} images; targets: "
                + ", ".join(f"{task} {count}" for task, count in counts.items())
            ),
            logger="current",
        )
        infos: list[dict[str, Any]] = [
            dict(
                img_path=str(images.folder / (name + suffix)),
                name=name,
                target_sources={t: found[name] for t, found in targets.items() if name in found},
            )
            for name, suffix in entries
        ]
        say_resized(self.target_types, ((i["img_path"], i["target_sources"]) for i in infos))
        self.say_images(infos[0]["img_path"])
        return infos

    def say_images(self, path: str) -> None:
        """Log what the pipeline makes of images such as the first one, if they are not RGB."""
        for step in self.pipeline.transforms:
            if isinstance(step, LoadMultiTaskImage):
                say_mode(path)
            elif isinstance(step, LoadImageChannels):
                say_channels(path, step.channels)

    def _find(self, task: str, root: Path, names: Sequence[str]) -> Mapping[str, Any]:
        """Find the sources of a task's targets, by image name."""
        target = self.target_types[task]
        if task not in self.renames:
            return target.find(root, names)
        own = {name: self._renamed(task, name) for name in names}
        found = target.find(root, list(own.values()))
        return {name: found[other] for name, other in own.items() if other in found}

    def _renamed(self, task: str, name: str) -> str:
        for old, new in self.renames.get(task, {}).items():
            name = name.replace(old, new)
        return name

    def _in_columns(self, split: SplitFile, root: Path) -> dict[str, dict[str, str]]:
        """Find what a split file lists beside the images; files of other tasks are known too."""
        if not any(listed.words for listed in split.listed):
            return {}
        others = {task: DATASETS.build(target) for task, target in self._not_loaded.items()}
        files = {
            task: target.files(root)
            for task, target in (self.target_types | others).items()
            if isinstance(target, FilePerImage)
        }
        return sources_in_columns(split, files)

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

    def _where(self, task: str, name: str) -> str:
        """Describe where a task's targets were searched, for the error that there is none."""
        return self.target_types[task].where(Path(self.data_root), self._renamed(task, name))

    def full_init(self) -> None:
        """List the images, and fill the cache if ``resident``."""
        super().full_init()
        if self.resident and self._cache is None:
            infos = (self.get_data_info(idx) for idx in range(len(self)))
            keep_broken = self.broken_files == "skip"
            self._cache = MemoryCache(self.pipeline, infos, keep_broken=keep_broken)

    def prepare_data(self, idx: int) -> Any:
        """Load and transform an image; MMEngine calls it."""
        return super().prepare_data(idx) if self._cache is None else self._cache[idx]

    def tasks_of(self, idx: int) -> list[str]:
        """List the tasks that an image has a target of."""
        return list(super().get_data_info(idx)["target_sources"])

    def get_cat_ids(self, idx: int) -> list[tuple[str, str]]:
        """List the (task, class) pairs of an image, for MMEngine's ``ClassBalancedDataset``.

        It then draws images with rare classes of any task more often. Reads the targets.

        Raises:
            ValueError: No task of this data set has classes.
        """
        info = self.get_data_info(idx)
        types = self.target_types
        having = {task: types[task] for task in types if types[task].meta().get("classes")}
        if not having:
            raise ValueError(
                f"ClassBalancedDataset: none of the tasks {', '.join(types)} has classes to "
                "balance; leave it out"
            )
        found = []
        for task, target in having.items():
            value, source = info.get(f"gt_{task}"), info.get("target_sources", {}).get(task)
            if value is None and source is None:  # an image without this target
                continue
            counts = target.describe(target.load(source) if value is None else value)
            found += [(task, name) for name, count in counts.items() if count]
        return found

    def get_data_info(self, idx: int) -> dict:
        """Describe an image and its targets to the pipeline."""
        info = super().get_data_info(idx)
        info["target_types"] = self.target_types
        return info

    def __getitem__(self, idx: int) -> dict:
        """Load and transform an image; for a :class:`Draw`, seeded by its seed and number."""
        if isinstance(idx, Draw):
            with seeded(idx.seed, idx.number):
                return self._load(int(idx), idx.seed, idx.number)
        return self._load(idx, idx % len(self))

    def _load(self, idx: int, *entropy: int) -> dict:
        """Load an image; if its files are broken and may be skipped, a replacement."""
        load = super().__getitem__
        if self.broken_files == "stop":
            return load(idx)
        count, tasks_of = len(self), self.tasks_of
        return load_or_replace(load, idx, count=count, tasks_of=tasks_of, entropy=entropy)


def _check_one_place(data_root: Any, ann_file: Any) -> None:
    for key, value in dict(data_root=data_root, ann_file=ann_file).items():
        if not isinstance(value, (str, Path)):
            raise ValueError(
                f"{key}={value!r}: give one path. Data of several folders or split files are "
                "several data sets: dataset=dict(type='ConcatDataset', datasets=[…, …]), or "
                "dict(type='MixedDataset', datasets=[…, …], ratios=(3, 1)), each with its own "
                "data_root and ann_file"
            )
