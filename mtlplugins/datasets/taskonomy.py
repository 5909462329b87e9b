"""Taskonomy, in the layout of the download."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from mmengine.logging import print_log
from mmseg.registry import DATASETS

from mtlplugins.common.notice import Notice

from .common_arguments import CommonArguments
from .multitask import MultiTaskDataset
from .reading.files import read_lines
from .reading.image_names import ImageNames
from .reading.listing_cache import ListingCache
from .targets.label_map import LabelMap
from .targets.map_file import MapFile

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: The labels as stored; 2 to 17 are classes of MS COCO.
CLASSES = (
    "uncertain", "background", "bottle", "chair", "couch", "potted plant", "bed", "dining table",
    "toilet", "tv", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase",
)  # fmt: skip

#: Folders of a building: as the download tool unpacks them, and one folder per building.
_LAYOUTS = ("{folder}/taskonomy/{building}", "{building}/{folder}")

_OF_16_BITS = dict(type="ValueMap", factor=1 / 65535)
#: Targets other than labels, each with the name that its folder and its files share.
_TARGETS: dict[str, tuple[str, dict[str, Any]]] = {
    "depth": ("depth_zbuffer", dict(type="DepthMap", unit=1 / 512, missing=65535)),
    "distance": ("depth_euclidean", dict(type="DepthMap", unit=1 / 512, missing=65535)),
    "normals": ("normal", dict(type="NormalMap", encoding="127.5")),
    "curvature": (
        "principal_curvature",
        dict(type="ValueMap", channels=(0, 1), factor=1 / 127, offset=-1, missing=0),
    ),
    "edges2d": ("edge_texture", _OF_16_BITS),
    "edges3d": ("edge_occlusion", _OF_16_BITS),
    "keypoints2d": ("keypoints2d", _OF_16_BITS),
    "keypoints3d": ("keypoints3d", _OF_16_BITS),
    "shading": ("reshading", dict(type="ValueMap", factor=1 / 255)),
    "segments2d": ("segment_unsup2d", dict(type="EdgeMap", of_labels=True)),
    "segments25d": ("segment_unsup25d", dict(type="EdgeMap", of_labels=True)),
}


@DATASETS.register_module()
class TaskonomyLabelMap(LabelMap):
    """The 18 labels of Taskonomy, which a network predicted.

    "Uncertain" (0) is not ground truth: such a pixel may belong to any class.

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names, after the image's name.
        ignore_background: Whether to ignore "background" (1) as well.
    """

    def __init__(self, folder: str, suffix: str, *, ignore_background: bool = False) -> None:
        super().__init__(CLASSES, folder, suffix)
        self.ignore_background = ignore_background

    def meta(self) -> dict[str, Any]:
        """Describe the classes, and those that never occur in the ground truth."""
        return super().meta() | dict(ignored_classes=tuple(range(self._first_class)))

    @property
    def _first_class(self) -> int:
        return 1 + self.ignore_background

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check that the labels are classes: any integer (H, W) to int32 (H, W)."""
        labels = super().convert(raw, path)
        labels[labels < self._first_class] = self.ignore_index
        return labels


@DATASETS.register_module()
class TaskonomyDataset(MultiTaskDataset):
    """Taskonomy (Zamir et al. 2018, https://arxiv.org/abs/1804.08328), in the download's layout.

    Tasks: ``semantic``, the 18 labels of :class:`TaskonomyLabelMap`; ``depth`` along the optical
    axis and ``distance`` from the camera in metres; ``normals``; ``curvature``, the two principal
    ones in the files' steps / 127, missing where one is stored as 0; texture edges ``edges2d``,
    occlusion edges ``edges3d``, ``keypoints2d``, ``keypoints3d`` and ``shading`` as shares of the
    files' range; ``segments2d`` and ``segments25d``, the boundaries of unsupervised segments, whose
    numbers mean nothing across images.

    The view v of the point p in a building has one of two layouts, which is detected::

        rgb/taskonomy/<building>/point_<p>_view_<v>_domain_rgb.png
        <building>/rgb/point_<p>_view_<v>_domain_rgb.png

    and likewise ``depth_zbuffer`` (``..._domain_depth_zbuffer.png``, 1/512 m, 65535: missing), the
    other folders, and ``segment_semantic`` (``..._domain_segmentsemantic.png``). An image without a
    target file lacks this target. The contents of the folders are cached in a file, so
    that only the first start lists them; a folder that has changed is listed again.

    Args:
        data_root: Folder of the data set.
        ann_file: Split file below ``data_root``, or an absolute path: one of the official
            ``train_val_test_{tiny,medium,full,fullplus}.csv``, or a list of buildings, one per
            line.
        split: The column of a CSV file: ``train``, ``val`` or ``test``.
        ignore_background: Whether to ignore "background", like "uncertain", in loss and scores.
        tasks: Tasks to load.
        index_dir: Folder of the cached listing; None for ``mtlplugins`` in the user's cache folder
            (``$XDG_CACHE_HOME``, or ``~/.cache``).
        **common: As in :class:`MultiTaskDataset`: ``broken_files``, ``resident``, ``pipeline``,
            ``test_mode``, ``indices``, ``lazy_init``.

    Raises:
        FileNotFoundError: The root, the split file, all buildings of the split, or all targets of a
            task are missing. If only some buildings are missing, a warning is logged.
        ValueError: The split file has no such column, or lists no building.
    """

    serialize = False  # the list is arrays, which workers share
    source = (
        "download the data with `pip install omnidata-tools` and `omnitools.download rgb "
        "depth_zbuffer segment_semantic --components taskonomy --subset tiny --dest "
        "data/taskonomy`, unpack the official splits "
        "(https://github.com/StanfordVL/taskonomy/raw/master/data/assets/splits_taskonomy.zip) "
        "into it, and point to it with --cfg-options data_root=DIR"
    )

    def __init__(
        self,
        data_root: str,
        *,
        ann_file: str,
        split: str = "train",
        ignore_background: bool = False,
        tasks: Sequence[str] = ("semantic", "depth"),
        index_dir: str | None = None,
        **common: Unpack[CommonArguments],
    ) -> None:
        self.split = split
        self.index_dir = index_dir
        super().__init__(
            data_root,
            targets=dict(
                semantic=dict(
                    type="TaskonomyLabelMap",
                    folder="segment_semantic",
                    suffix="_domain_segmentsemantic.png",
                    ignore_background=ignore_background,
                ),
                **{
                    task: dict(**target, folder=name, suffix=f"_domain_{name}.png")
                    for task, (name, target) in _TARGETS.items()
                },
            ),
            ann_file=ann_file,
            image=dict(folder="rgb", suffix="_domain_rgb.png"),
            tasks=tasks,
            **common,
        )

    def load_data_list(self) -> Any:
        """List the images, and the tasks for which each has a target."""
        root = Path(self.data_root)
        if not root.is_dir():
            raise FileNotFoundError(f"no data set at {root.absolute()}: {self.source}")
        buildings = self._buildings()
        self._layout = self._find_layout(root, buildings)
        there = [b for b in buildings if self._folder("rgb", b).is_dir()]
        if len(there) < len(buildings):
            missing = [b for b in buildings if b not in there]
            print_log(
                f"{type(self).__name__} {self._which()}: {len(missing)} of {len(buildings)} "
                f"buildings are not in {root} and are left out: {', '.join(missing)}",
                logger="current",
                level=logging.WARNING,
            )
        cache = ListingCache(self._index_file(buildings))
        images = ImageNames((self._views(b, cache) for b in there), tuple(self.target_types))
        cache.save()
        self._report(images)
        return images

    def _views(self, building: str, cache: ListingCache) -> tuple[list[str], dict[str, set[str]]]:
        """List the views of a building, and by task those that have a target."""

        def named(folder: str, suffix: str) -> list[str]:
            names = cache.names(self._folder(folder, building), suffix)
            return [f"{building}/{name}" for name in names]

        targets = self._map_files.items()
        found = {task: set(named(target.folder, str(target.suffix))) for task, target in targets}
        return named("rgb", self.image["suffix"]), found

    def _report(self, images: ImageNames) -> None:
        """Log the numbers of images and targets; refuse a task without any target."""
        if not images:
            raise FileNotFoundError(
                f"no image in {self._folder('rgb', '<building>')}, for any building of "
                f"{self._which()}; finish the download"
            )
        counts = images.counts()
        for task, count in counts.items():
            if not count:
                folder = self._folder(self._map_files[task].folder, "<building>")
                raise FileNotFoundError(
                    f"task {task!r}: none of the {len(images)} images of {self._which()} has a "
                    f"target in {folder}; finish the download, or leave the task out with "
                    "dataset.tasks"
                )
        print_log(
            Notice(
                f"{type(self).__name__} {self._which()}: {len(images)} images; targets: "
                + ", ".join(f"{task} {count}" for task, count in counts.items())
            ),
            logger="current",
        )

    @property
    def _map_files(self) -> dict[str, MapFile]:
        """The targets, all of which are maps in files."""
        return cast("dict[str, MapFile]", self.target_types)

    def _which(self) -> str:
        return f"{self.ann_file} ({self.split})"

    def _buildings(self) -> list[str]:
        """Read the split file."""
        path = Path(self.ann_file)
        if not path.is_file():
            raise FileNotFoundError(f"no split file {path.absolute()}: {self.source}")
        lines = [line for line in read_lines(path) if not line.startswith("#")]
        for line in lines:
            if Path(line).is_absolute() or ".." in Path(line).parts:
                raise ValueError(
                    f"{path} lists {line!r}, which leads out of the data set's folder: list the "
                    "names of buildings"
                )
        rows = [row for row in csv.reader(lines) if row]
        if rows and len(rows[0]) > 1:  # the official ones: id,train,val,test
            if self.split not in rows[0][1:]:
                raise ValueError(
                    f"{path} has no column {self.split!r}, only {', '.join(rows[0][1:])}: set the "
                    "data set's split"
                )
            column = rows[0].index(self.split)
            rows = [row for row in rows[1:] if row[column : column + 1] == ["1"]]
        if not rows:
            raise ValueError(f"{path} lists no building for split {self.split!r}")
        return list(dict.fromkeys(row[0] for row in rows))

    def _find_layout(self, root: Path, buildings: Sequence[str]) -> str:
        for layout in _LAYOUTS:
            if any((root / layout.format(folder="rgb", building=b)).is_dir() for b in buildings):
                return layout
        wanted = " nor ".join(str(root / p.format(folder="rgb", building="X")) for p in _LAYOUTS)
        inside = ", ".join(sorted(os.listdir(root))[:5])
        raise FileNotFoundError(
            f"there is neither {wanted} for any of the {len(buildings)} buildings X of "
            f"{self._which()}, such as {buildings[0]}; {root} holds {inside or 'nothing'}; "
            f"{self.source}"
        )

    def _folder(self, folder: str, building: str) -> Path:
        return Path(self.data_root, self._layout.format(folder=folder, building=building))

    def _index_file(self, buildings: Sequence[str]) -> Path:
        folders = [target.folder for target in self._map_files.values()]
        content = [str(Path(self.data_root).absolute()), buildings, folders]
        key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mtlplugins")
        return Path(self.index_dir or cache, f"taskonomy_{key}.json")

    def tasks_of(self, idx: int) -> list[str]:
        """List the tasks for which an image has a target."""
        return list(self.get_data_info(idx)["target_sources"])

    def get_data_info(self, idx: int) -> dict:
        """Describe an image and its targets to the pipeline."""
        info = super().get_data_info(idx)
        building, view = info["name"].split("/")
        info["img_path"] = str(self._folder("rgb", building) / (view + self.image["suffix"]))
        # not in the list: there, paths would multiply the memory per image by five
        info["target_sources"] = {
            task: str(self._folder(target.folder, building) / f"{view}{target.suffix}")
            for task, target in self._map_files.items()
            if task in info["target_tasks"]
        }
        return info
